# What the tests of the slot image begin with, in Python: a disk of the machine's own, the machine, its page, and root by SSH.
{
  hostPkgs,
  image,
  # Private key that the image lets in as root; null: nobody logs in.
  sshKey ? null,
}:
''
  import json
  import os
  import shutil
  import subprocess

  folder = os.environ["TMPDIR"] + "/appliance"
  os.makedirs(folder, exist_ok=True)
  disk = folder + "/disk.qcow2"
  subprocess.run(
      ["${hostPkgs.qemu}/bin/qemu-img", "create", "-q", "-f", "qcow2", "-F", "qcow2",
       "-b", "${image.appliance-disk-image}/disk-image.qcow2", disk],
      check=True,
  )
  shutil.copyfile("${hostPkgs.OVMF.fd}/FV/OVMF_VARS.fd", folder + "/vars.fd")

  appliance = create_machine(
      "${hostPkgs.qemu}/bin/qemu-system-x86_64 -machine q35,accel=kvm:tcg -cpu max -smp 2 -m 2048"
      " -device i6300esb"
      " -drive if=pflash,format=raw,readonly=on,file=${hostPkgs.OVMF.fd}/FV/OVMF_CODE.fd"
      f" -drive if=pflash,format=raw,file={folder}/vars.fd -drive if=virtio,file={disk}"
      " -nic user,model=virtio-net-pci,hostfwd=tcp:127.0.0.1:18080-:80,hostfwd=tcp:127.0.0.1:10022-:22",
      name="appliance",
  )


  def status():
      """What the page says to programs; nothing while nobody answers."""
      answer = subprocess.run(
          ["${hostPkgs.curl}/bin/curl", "--fail", "--silent", "--max-time", "10",
           "http://127.0.0.1:18080/api/v1/status"],
          capture_output=True, text=True,
      )
      return json.loads(answer.stdout) if answer.returncode == 0 else None


  def slots():
      """`A active`, `B bad`: what the page says of both."""
      said = status()
      return [f"{entry['slot']} {entry['state']}" for entry in said["slots"]]


  def healthy_on(version, slot, seconds=900):
      """Waits until the gate has judged a boot of that release in that slot, and committed it."""

      def reached(_last):
          said = status()
          if said is None or said["health"]["outcome"] != "healthy":
              return False
          return said["version"]["running"] == version and said["boot"]["slot"] == slot

      retry(reached, seconds)
''
+ (
  if sshKey == null then
    ""
  else
    ''


      shutil.copyfile("${sshKey}", folder + "/key")
      os.chmod(folder + "/key", 0o600)


      def root(command, source=subprocess.DEVNULL):
          """A command as root on the appliance; how it ended is returned, not thrown."""
          return subprocess.run(
              ["${hostPkgs.openssh}/bin/ssh", "-F", "none", "-i", folder + "/key", "-p", "10022",
               "-o", "StrictHostKeyChecking=no", "-o", "UserKnownHostsFile=/dev/null", "-o", "BatchMode=yes",
               "-o", "LogLevel=ERROR", "-o", "ConnectTimeout=30", "root@127.0.0.1",
               "PATH=/run/current-system/sw/bin:/usr/bin; " + command],
              stdin=source, capture_output=True, text=True, timeout=900,
          )


      def must(command, source=subprocess.DEVNULL):
          """The same for one that has to succeed: what it printed."""
          done = root(command, source)
          assert done.returncode == 0, f"{command}: {done.stdout}{done.stderr}"
          return done.stdout


      def bring(bundle, target):
          """Puts a release on the data partition, as a technician with a stick does."""
          with open(bundle, "rb") as file:
              must(f"cat > {target}", file)


      def boot_state():
          return must("sha256sum /boot/ab_state")


      def update_facts():
          """The history follows the verdict, after the page has said healthy."""
          must("systemctl start bulkhead-update-conclude.service")
          return json.loads(must("bulkhead update status --json"))


      def ssh_answers(_last):
          return root("true").returncode == 0
    ''
)
