# A release goes into the other slot, is tried and committed; one that somebody changed is refused.
{
  image,
  next,
  sshKey,
  ...
}:
{ hostPkgs, ... }:
{
  name = "bulkhead-update";
  nodes = { };

  testScript =
    import ./slot-machine.nix { inherit hostPkgs image sshKey; }
    + ''

      with subtest("the release that was installed is committed"):
          appliance.start(allow_reboot=True)
          healthy_on("${image.version}", "A")
          retry(ssh_answers, 300)

      with subtest("a release that somebody changed is refused, and nothing is armed"):
          before = boot_state()
          bring("${next.release}/bulkhead-${next.version}.bundle", "/var/lib/msp/next.bundle")
          must("cp /var/lib/msp/next.bundle /var/lib/msp/changed.bundle")
          must("printf X | dd of=/var/lib/msp/changed.bundle bs=1 seek=200 conv=notrunc")
          refused = root("bulkhead update install --json /var/lib/msp/changed.bundle")
          assert refused.returncode != 0, refused.stdout
          assert boot_state() == before
          assert slots() == ["A active", "B empty"], slots()

      with subtest("a release goes into the other slot and proves itself there"):
          must("bulkhead update install --json --reboot /var/lib/msp/next.bundle")
          appliance.wait_for_console_text("BULKHEAD-GRUB choice slot=B attempt=1 mode=trial", timeout=300)
          healthy_on("${next.version}", "B")
          assert slots() == ["A standby", "B active"], slots()
          newest = update_facts()["history"][0]
          assert [newest["outcome"], newest["version"], newest["slot"]] == ["succeeded", "${next.version}", "B"], newest

      with subtest("it stays when the power is cut"):
          appliance.crash()
          appliance.start()
          appliance.wait_for_console_text("BULKHEAD-GRUB choice slot=B attempt=1 mode=normal", timeout=300)
          healthy_on("${next.version}", "B")
    '';
}
