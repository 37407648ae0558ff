# The coordinator on PostgreSQL, and an agent that asks to be let in.
{ modules, programs }:
{
  name = "bulkhead-coordinator";

  nodes.coordinator = {
    imports = [ modules.coordinator ];
    services.bulkhead-coordinator = {
      enable = true;
      package = programs.bulkhead-coordinator;
      database.type = "postgresql";
      openFirewall = true;
      urls = [ "http://coordinator:8000" ];
    };
  };

  testScript = ''
    coordinator.wait_for_unit("bulkhead-coordinator.service")
    coordinator.wait_for_open_port(8000)
    coordinator.succeed("curl --fail --silent http://localhost:8000/health")
    tables = coordinator.succeed("sudo -u postgres psql -Atc '\\dt' bulkhead-coordinator")
    assert "devices" in tables, tables

    with subtest("a database that was away is found again"):
        coordinator.succeed("systemctl restart postgresql.service")
        coordinator.wait_until_succeeds("curl --fail --silent http://localhost:8000/health", timeout=60)

    with subtest("the service may write nowhere but in its own folder"):
        pid = coordinator.succeed("systemctl show --value -p MainPID bulkhead-coordinator").strip()
        coordinator.fail(f"nsenter -t {pid} -m touch /etc/here")
  '';
}
