# partitions/layout.json in the words of disko.
{
  lib,
  disk ? lib.importJSON ../../partitions/layout.json,
  device ? "/dev/disk/by-id/choose-one",
}:
let
  partition = number: entry: {
    inherit (entry) label;
    priority = number;
    type = entry.type_guid;
    size = if entry ? mib then "${toString entry.mib}M" else "100%";
  };
in
{
  disko.devices.disk.main = {
    type = "disk";
    inherit device;
    content = {
      type = "gpt";
      partitions = {
        esp = partition 1 disk.esp // {
          content = {
            type = "filesystem";
            format = "vfat";
            mountpoint = disk.esp.mount;
            mountOptions = [ "ro" ];
          };
        };
        # Slots are written by the updater as they are, never formatted.
        a = partition 2 disk.A;
        b = partition 3 disk.B;
        data = partition 4 disk.data // {
          content = {
            type = "filesystem";
            format = "ext4";
            mountpoint = disk.data.mount;
          };
        };
      };
    };
  };
}
