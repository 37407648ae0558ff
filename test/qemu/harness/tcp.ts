import { connect } from 'node:net';

/**
 * What comes back on a port of this computer: bytes, or silence. QEMU accepts for the machine before it has asked it, so
 * that a connection opens says nothing.
 *
 * @param request sent when the connection is open
 */
export function answerOf(port: number, request: string, patience_ms: number): Promise<string> {
  return new Promise((resolve) => {
    let heard = '';
    const socket = connect(port, '127.0.0.1', () => socket.write(request));
    const finish = () => {
      socket.destroy();
      resolve(heard);
    };
    socket.on('data', (bytes) => {
      heard += bytes.toString('latin1');
    });
    socket.on('error', finish);
    socket.on('close', finish);
    setTimeout(finish, patience_ms);
  });
}
