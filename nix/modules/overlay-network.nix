# A tunnel between machines that no router connects. Off unless one is chosen.
{
  config,
  lib,
  ...
}:
let
  cfg = config.services.bulkhead-overlay;
in
{
  imports = [ ./firewall.nix ];

  options.services.bulkhead-overlay = {
    kind = lib.mkOption {
      type = lib.types.enum [
        "none"
        "wireguard"
        "zerotier"
        "yggdrasil"
      ];
      default = "none";
      example = "wireguard";
      description = "Which overlay network this host is part of.";
    };

    wireguard = {
      addresses = lib.mkOption {
        type = lib.types.listOf lib.types.str;
        default = [ ];
        example = [ "10.77.0.2/24" ];
        description = "Addresses of this host in the tunnel.";
      };

      privateKeyFile = lib.mkOption {
        type = lib.types.str;
        default = "/var/lib/bulkhead-overlay/wireguard.key";
        example = "/run/bulkhead/secrets/wireguard";
        description = "File with the private key, outside the store; made on the first start where it is missing.";
      };

      listenPort = lib.mkOption {
        type = lib.types.nullOr lib.types.port;
        default = null;
        example = 51820;
        description = "UDP port that others reach this host at; null: this host reaches out.";
      };

      peers = lib.mkOption {
        type = lib.types.listOf (
          lib.types.submodule {
            options = {
              publicKey = lib.mkOption {
                type = lib.types.strMatching "[A-Za-z0-9+/]{43}=";
                example = "xTIBA5rboUvnH4htodjb6e697QjLERt1NAB4mZqp8Dg=";
                description = "Public key of the peer.";
              };
              allowedIPs = lib.mkOption {
                type = lib.types.nonEmptyListOf lib.types.str;
                example = [ "10.77.0.0/24" ];
                description = "Addresses that are behind the peer.";
              };
              endpoint = lib.mkOption {
                type = lib.types.nullOr lib.types.str;
                default = null;
                example = "203.0.113.7:51820";
                description = "Where it is reached, by address: a name would be asked for only once.";
              };
              persistentKeepalive = lib.mkOption {
                type = lib.types.nullOr (lib.types.ints.between 1 65535);
                default = 25;
                example = 60;
                description = "Seconds between packets that keep a router's door open; null: none.";
              };
            };
          }
        );
        default = [ ];
        example = [
          {
            publicKey = "xTIBA5rboUvnH4htodjb6e697QjLERt1NAB4mZqp8Dg=";
            allowedIPs = [ "10.77.0.0/24" ];
            endpoint = "203.0.113.7:51820";
          }
        ];
        description = "Who is at the other end.";
      };
    };

    zerotierNetworks = lib.mkOption {
      type = lib.types.listOf (lib.types.strMatching "[0-9a-f]{16}");
      default = [ ];
      example = [ "8056c2e21c000001" ];
      description = "ZeroTier networks to join.";
    };

    yggdrasilPeers = lib.mkOption {
      type = lib.types.listOf lib.types.str;
      default = [ ];
      example = [ "tls://203.0.113.9:443" ];
      description = "Yggdrasil peers to connect to.";
    };
  };

  config = lib.mkMerge [
    (lib.mkIf (cfg.kind != "none") {
      assertions = [
        {
          assertion = !config.services.msp-firewall.enable;
          message = "services.bulkhead-overlay: the rules of services.msp-firewall have no door for a tunnel; use networking.firewall on this host.";
        }
      ];
    })
    (lib.mkIf (cfg.kind == "wireguard") {
      assertions = [
        {
          assertion = cfg.wireguard.addresses != [ ] && cfg.wireguard.peers != [ ];
          message = "services.bulkhead-overlay.wireguard: a tunnel needs addresses and peers.";
        }
      ];
      networking.wireguard.interfaces.bulkhead = {
        ips = cfg.wireguard.addresses;
        inherit (cfg.wireguard) listenPort privateKeyFile peers;
        generatePrivateKeyFile = true;
      };
      networking.firewall.allowedUDPPorts = lib.mkIf (cfg.wireguard.listenPort != null) [
        cfg.wireguard.listenPort
      ];
    })
    (lib.mkIf (cfg.kind == "zerotier") {
      services.zerotierone = {
        enable = true;
        joinNetworks = cfg.zerotierNetworks;
      };
    })
    (lib.mkIf (cfg.kind == "yggdrasil") {
      services.yggdrasil = {
        enable = true;
        persistentKeys = true;
        openMulticastPort = false;
        settings.Peers = cfg.yggdrasilPeers;
      };
    })
  ];
}
