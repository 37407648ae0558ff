{
  description = "A service beside the Bulkhead agent";

  inputs.nixpkgs.url = "github:NixOS/nixpkgs/nixos-25.11";
  # Where this repository is.
  inputs.bulkhead.url = "git+https://git.example.org/bulkhead";

  outputs = { nixpkgs, bulkhead, ... }: {
    nixosModules.default = ./module.nix;
    nixosConfigurations.example = nixpkgs.lib.nixosSystem {
      system = "x86_64-linux";
      modules = [
        bulkhead.nixosModules.compliance-agent
        ./module.nix
        {
          services.compliance-agent.enable = true;
          services.site-example.enable = true;
          boot.isContainer = true;
        }
      ];
    };
  };
}
