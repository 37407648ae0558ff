# The initrd of the appliance: the script of the Debian image, busybox, dmsetup and e2fsck with the libraries they need, and modules
# of the kernel that is started.
{
  lib,
  runCommand,
  makeModulesClosure,
  busybox,
  cpio,
  e2fsprogs,
  kmod,
  lvm2,
  patchelf,
  stdenv,
  xz,
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
      kmod
      patchelf
      # ldd
      (lib.getBin stdenv.cc.libc)
      xz
      zstd
    ];
  }
  ''
    mkdir -p root/{dev,proc,sys,run,newroot,etc/modprobe.d,usr/bin,usr/sbin,usr/lib}
    for name in bin sbin lib; do ln -s usr/$name root/$name; done
    install -m 0755 ${../../iso/initrd/init} root/init

    # Nothing of the store is in an initrd, and LVM2 has no dmsetup where it is built without libraries: programs come with theirs.
    take() {
      for found in $(ldd "$1" | sed -n 's/.*=> \(\/[^ ]*\).*/\1/p; s/^\s*\(\/[^ ]*\) (0x.*/\1/p'); do
        library=root/usr/lib/$(basename "$found")
        [ -e "$library" ] || install -m 0755 "$found" "$library"
      done
      install -m 0755 "$1" "$2"
    }
    take ${busybox}/bin/busybox root/usr/bin/busybox
    take ${lib.getBin lvm2}/bin/dmsetup root/usr/sbin/dmsetup
    take ${lib.getBin e2fsprogs}/bin/e2fsck root/usr/sbin/e2fsck
    loader=$(basename root/usr/lib/ld-linux*.so.*)
    for program in root/usr/bin/busybox root/usr/sbin/dmsetup root/usr/sbin/e2fsck; do
      patchelf --set-interpreter "/usr/lib/$loader" --set-rpath /usr/lib "$program"
    done
    for library in root/usr/lib/*.so*; do
      # The loader finds itself, and the C library is what it loads first.
      case $(basename "$library") in ld-linux*|libc.so*) ;; *) patchelf --set-rpath /usr/lib "$library" ;; esac
    done
    for applet in $(${busybox}/bin/busybox --list); do
      [ "$applet" = busybox ] || ln -s busybox root/usr/bin/$applet
    done

    cp -r ${modules}/lib/modules root/usr/lib/modules
    chmod -R u+w root
    # As in the Debian image: compressed once, by the initrd.
    find root/usr/lib/modules -name '*.ko.xz' -exec xz -d {} +
    depmod -b root/usr -a "$(basename root/usr/lib/modules/*)"
    # As iso/build/limits.ts has it: longer than a boot takes to feed it.
    ${lib.concatMapStrings (name: ''
      echo "options ${name} heartbeat=180 nowayout=1" >> root/etc/modprobe.d/watchdog.conf
    '') watchdogs}
    (cd root && find . -mindepth 1 -exec touch -h -d @1 {} + &&
      find . -mindepth 1 -printf '%P\n' | LC_ALL=C sort | cpio --quiet -o -H newc -R 0:0 --reproducible) | zstd -q -19 > $out
  ''
