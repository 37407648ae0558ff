# The slot image of NixOS on a disk of its own, with the real loader: first boot, update into the other slot, return.
{
  modules,
  programs,
  image,
}:
{
  name = "bulkhead-boot";
  nodes = { };

  testScript =
    { hostPkgs, ... }:
    ''
      import os, shutil, subprocess

      folder = os.environ["TMPDIR"] + "/appliance"
      os.makedirs(folder, exist_ok=True)
      disk = f"{folder}/disk.qcow2"
      subprocess.run(["${hostPkgs.qemu}/bin/qemu-img", "create", "-q", "-f", "qcow2", "-F", "qcow2", "-b",
                      "${image.appliance-disk-image}/disk-image.qcow2", disk], check=True)
      shutil.copyfile("${hostPkgs.OVMF.fd}/FV/OVMF_VARS.fd", f"{folder}/vars.fd")

      appliance = create_machine(
          start_command="${hostPkgs.qemu}/bin/qemu-system-x86_64 -machine q35,accel=kvm:tcg -cpu max -smp 2 -m 2048"
          " -device i6300esb"
          " -drive if=pflash,format=raw,readonly=on,file=${hostPkgs.OVMF.fd}/FV/OVMF_CODE.fd"
          f" -drive if=pflash,format=raw,file={folder}/vars.fd -drive if=virtio,file={disk}"
          " -nic user,model=virtio-net-pci,hostfwd=tcp:127.0.0.1:18080-:80",
          name="appliance",
      )

      def status(what):
          return subprocess.run(["${hostPkgs.curl}/bin/curl", "--fail", "--silent", "http://127.0.0.1:18080" + what],
                                capture_output=True, text=True).stdout

      def healthy(_):
          return '"outcome":"healthy"' in status("/api/v1/status").replace(" ", "")

      with subtest("the first boot is committed"):
          appliance.start()
          appliance.wait_for_console_text("BULKHEAD-GRUB choice slot=A")
          retry(healthy, timeout_seconds=300)

      with subtest("a slot that is not whole is passed over"):
          appliance.crash()
          subprocess.run(["${hostPkgs.qemu}/bin/qemu-io", "-c", "write -P 0 257M 1M", disk], check=True)
          appliance.start()
          appliance.wait_for_console_text("slot=A whole=0")
    '';
}
