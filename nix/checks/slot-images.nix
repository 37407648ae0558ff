# Slot images that the tests of update and rollback go from one to the other of: they differ in version, and the last one panics.
{
  # lib.image of the flake.
  imageOf,
  nixpkgs,
  pkgs,
  programs,
}:
let
  # The key pair that nixpkgs publishes for its tests: whoever can reach one of these machines can log in.
  keys = import "${nixpkgs}/nixos/tests/ssh-keys.nix" pkgs;

  made =
    more:
    imageOf (
      more
      // {
        extraModules = [
          { bulkhead.settings.ssh.authorized_keys = [ keys.snakeOilPublicKey ]; }
        ]
        ++ more.extraModules or [ ];
      }
    );

  # All images of one revision of the flake are made with the same development keys, so each takes the releases of the others.
  released =
    image:
    image
    // {
      release = pkgs.runCommand "bulkhead-${image.version}-release" { nativeBuildInputs = [ programs.bulkhead ]; } ''
        export HOME=$TMPDIR
        mkdir -p $out
        # A private key that others can read is refused, and in the store everybody can.
        install -m 0600 ${image.developmentKeys}/release.pem $TMPDIR/release.pem
        bulkhead bundle create --slot ${image.appliance-iso}/bulkhead-${image.version}.slot --key $TMPDIR/release.pem \
          --sbom ${image.appliance-iso}/bulkhead-${image.version}.sbom.cdx.json \
          --provenance ${image.appliance-iso}/bulkhead-${image.version}.provenance.json \
          --output $out/bulkhead-${image.version}.bundle
        bulkhead bundle verify $out/bulkhead-${image.version}.bundle --keyset ${image.developmentKeys}/keyset.json --deep
      '';
    };
in
{
  sshKey = keys.snakeOilPrivateKey;
  image = made { };
  next = released (made {
    version = "99.0.0";
  });
  bad = released (made {
    version = "99.1.0";
    extraModules = [
      {
        systemd.services.last-words = {
          wantedBy = [ "multi-user.target" ];
          # Before the gate could have judged.
          before = [ "msp-health-gate.service" ];
          serviceConfig.Type = "oneshot";
          script = "echo c > /proc/sysrq-trigger";
        };
      }
    ];
  });
}
