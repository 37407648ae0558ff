# The slot image of NixOS on a disk of its own, with the real loader: the first boot, and a slot that is not whole.
{ image, ... }:
{ hostPkgs, ... }:
{
  name = "bulkhead-boot";
  nodes = { };

  testScript =
    import ./slot-machine.nix { inherit hostPkgs image; }
    + ''

      with subtest("the first boot is committed"):
          appliance.start()
          appliance.wait_for_console_text("BULKHEAD-GRUB choice slot=A", timeout=300)
          healthy_on("${image.version}", "A")
          assert slots() == ["A active", "B empty"], slots()

      with subtest("a slot that is not whole is passed over"):
          appliance.crash()
          # Slot A begins behind the first MiB and the ESP of 256.
          subprocess.run(["${hostPkgs.qemu}/bin/qemu-io", "-c", "write -P 0 257M 1M", disk], check=True)
          appliance.start()
          appliance.wait_for_console_text("BULKHEAD-GRUB slot=A whole=0", timeout=300)
    '';
}
