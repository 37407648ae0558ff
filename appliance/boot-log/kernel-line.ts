/** Who wrote a line of the kernel's log. Its own lines say how a boot ended; anybody may write the same words into it. */
export interface KernelLine {
  /** From the kernel itself; a line that does not say where it is from counts as that. */
  fromKernel: boolean;
  /** With the time since the start of the kernel, as dmesg shows it. */
  shown: string;
  /** Without it. */
  message: string;
}

/** `<13>[    4.849290] message`: facility times 8 plus level, then seconds. Facility 0 is the kernel (syslog(2)). */
const LINE = /^(?:<(\d{1,3})>)?(\[ *\d+\.\d+\](?:\[[^\]]*\])? ?)?(.*)$/su;

/** What no terminal may get: control and format characters, line separators, and what is no character at all. */
const UNPRINTABLE = /[\p{C}\p{Zl}\p{Zp}]/gu;

/** Lines of a kernel log with nothing in them that a terminal would act on. */
export function kernelLines(text: string): KernelLine[] {
  return text
    .split('\n')
    .map((line) => kernelLine(line.replaceAll('\t', ' ').replace(UNPRINTABLE, '').trimEnd()));
}

function kernelLine(line: string): KernelLine {
  const [, priority, time = '', message = ''] = LINE.exec(line) ?? [];
  return {
    fromKernel: priority === undefined || Number(priority) < 8,
    shown: `${time}${message}`,
    message,
  };
}
