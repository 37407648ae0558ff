# Every module by the name under which the flake hands it out.
{
  appliance = ./appliance.nix;
  ab-updates = ./ab-updates.nix;
  backup = ./backup.nix;
  binary-cache = ./binary-cache.nix;
  compliance-agent = ./compliance-agent.nix;
  coordinator = ./coordinator.nix;
  firewall = ./firewall.nix;
  health-gate = ./health-gate.nix;
  monitoring = ./monitoring.nix;
  overlay-network = ./overlay-network.nix;
  secrets = ./secrets.nix;
  ssh-hardening = ./ssh-hardening.nix;
  timesync = ./timesync.nix;
}
