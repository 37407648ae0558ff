# The operator's command line for Home Manager: the coordinator to talk to, and where its token lies.
{
  config,
  lib,
  pkgs,
  ...
}:
let
  cfg = config.programs.bulkhead;
in
{
  options.programs.bulkhead = {
    enable = lib.mkEnableOption "the command line of the coordinator";

    package = lib.mkOption {
      type = lib.types.nullOr lib.types.package;
      default =
        if pkgs.stdenv.hostPlatform.system == "x86_64-linux" then
          (pkgs.callPackage ../../packages/programs.nix { }).bulkhead-coordinator
        else
          null;
      defaultText = lib.literalMD "`bulkhead-coordinator` of this flake; null where it is not built (macOS, ARM)";
      example = lib.literalExpression "inputs.bulkhead.packages.x86_64-linux.bulkhead-coordinator";
      description = "The program; null: none is installed, and the settings are made for one that is there.";
    };

    coordinator = lib.mkOption {
      type = lib.types.strMatching "https?://.+";
      example = "https://coordinator.example.org";
      description = "Which coordinator commands talk to.";
    };
  };

  config = lib.mkIf cfg.enable {
    home.packages = lib.optional (cfg.package != null) cfg.package;
    home.sessionVariables.BULKHEAD_COORDINATOR = cfg.coordinator;
  };
}
