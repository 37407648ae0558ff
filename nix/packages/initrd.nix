# The initrd of the appliance: the script of the Debian image, busybox, dmsetup and e2fsck without libraries, and modules of the
# kernel that is started.
{
  lib,
  runCommand,
  pkgsStatic,
  makeModulesClosure,
  cpio,
  zstd,
  kernel,
  rootModules,
}:
let
  # Some drivers are part of the kernel here and modules there.
  modules = makeModulesClosure {
    # In an output of its own, where the kernel has one for them.
    kernel = lib.getOutput "modules" kernel;
    inherit rootModules;
    firmware = [ ];
    allowMissing = true;
  };
  watchdogs = [
    "i6300esb"
    "iTCO_wdt"
    "sp5100_tco"
  ];
in
runCommand "bulkhead-initrd"
  {
    nativeBuildInputs = [
      cpio
      zstd
    ];
  }
  ''
    mkdir -p root/{dev,proc,sys,run,newroot,etc/modprobe.d,usr/bin,usr/sbin,usr/lib}
    for name in bin sbin lib; do ln -s usr/$name root/$name; done
    install -m 0755 ${../../iso/initrd/init} root/init
    cp ${pkgsStatic.busybox}/bin/busybox root/usr/bin/busybox
    for applet in $(root/usr/bin/busybox --list); do
      [ "$applet" = busybox ] || ln -s busybox root/usr/bin/$applet
    done
    cp ${lib.getBin pkgsStatic.lvm2}/bin/dmsetup ${lib.getBin pkgsStatic.e2fsprogs}/bin/e2fsck root/usr/sbin/
    cp -r ${modules}/lib/modules root/usr/lib/modules
    chmod -R u+w root
    # As iso/build/limits.ts has it: longer than a boot takes to feed it.
    ${lib.concatMapStrings (name: ''
      echo "options ${name} heartbeat=180 nowayout=1" >> root/etc/modprobe.d/watchdog.conf
    '') watchdogs}
    (cd root && find . -mindepth 1 -exec touch -h -d @1 {} + &&
      find . -mindepth 1 -printf '%P\n' | LC_ALL=C sort | cpio --quiet -o -H newc -R 0:0 --reproducible) | zstd -q -19 > $out
  ''
