# Both ways back: that of an operator, and that of a release that panics in each of its three boots.
{
  image,
  next,
  bad,
  sshKey,
  ...
}:
{ hostPkgs, ... }:
{
  name = "bulkhead-rollback";
  nodes = { };
  # Nine boots.
  globalTimeout = 2 * 60 * 60;

  testScript =
    import ./slot-machine.nix { inherit hostPkgs image sshKey; }
    + ''

      with subtest("an operator goes back to the release before"):
          appliance.start(allow_reboot=True)
          healthy_on("${image.version}", "A")
          retry(ssh_answers, 300)
          bring("${next.release}/bulkhead-${next.version}.bundle", "/var/lib/msp/next.bundle")
          must("bulkhead update install --json --reboot /var/lib/msp/next.bundle")
          healthy_on("${next.version}", "B")
          retry(ssh_answers, 300)
          must("bulkhead update rollback --json --reboot")
          healthy_on("${image.version}", "A")
          retry(ssh_answers, 300)

      with subtest("a release that panics is left after three boots, without anybody"):
          bring("${bad.release}/bulkhead-${bad.version}.bundle", "/var/lib/msp/bad.bundle")
          must("bulkhead update install --json --reboot /var/lib/msp/bad.bundle")
          for attempt in [1, 2, 3]:
              appliance.wait_for_console_text(
                  f"BULKHEAD-GRUB choice slot=B attempt={attempt} mode=trial", timeout=600
              )
          appliance.wait_for_console_text(
              "BULKHEAD-GRUB choice slot=A attempt=1 mode=normal reason=trial-used-up", timeout=600
          )
          healthy_on("${image.version}", "A")
          assert slots() == ["A active", "B bad"], slots()
          retry(ssh_answers, 300)
          newest = update_facts()["history"][0]
          assert [newest["outcome"], newest["version"], newest["slot"]] == ["rolled_back", "${bad.version}", "B"], newest

      with subtest("it is not tried a second time"):
          again = root("bulkhead update install --json /var/lib/msp/bad.bundle")
          assert again.returncode != 0, again.stdout
          assert "UPDATE_REJECTED_BEFORE" in again.stderr, again.stderr
    '';
}
