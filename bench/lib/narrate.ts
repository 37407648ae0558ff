/** Tells on standard error what is being measured, each line with the seconds since this was called. */
export function narrator(): (text: string) => void {
  const start_ms = performance.now();
  return (text) => {
    const elapsed_s = (performance.now() - start_ms) / 1000;
    process.stderr.write(`${elapsed_s.toFixed(0).padStart(5)} s  ${text}\n`);
  };
}
