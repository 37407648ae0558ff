# The agent on an ordinary NixOS host.
{ modules, programs }:
{
  name = "bulkhead-agent";

  nodes.host = {
    imports = [ modules.compliance-agent ];
    bulkhead.package = programs.bulkhead;
    services.compliance-agent = {
      enable = true;
      siteId = "test";
    };
  };
  nodes.visitor = { };

  testScript = ''
    start_all()
    host.wait_for_unit("compliance-agent.service")
    visitor.wait_for_unit("multi-user.target")
    visitor.wait_until_succeeds("curl --fail --silent http://host/ | grep -qi bulkhead", timeout=60)
    identity = host.succeed("bulkhead setup identity --json")
    assert '"kept"' in identity, identity

    with subtest("it comes back when it is killed"):
        before = host.succeed("systemctl show --value -p MainPID compliance-agent").strip()
        host.succeed(f"kill -9 {before}")
        host.wait_until_succeeds(f"test $(systemctl show --value -p MainPID compliance-agent) != {before}", timeout=30)
        visitor.wait_until_succeeds("curl --fail --silent http://host/", timeout=60)
  '';
}
