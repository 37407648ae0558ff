import { Elysia } from 'elysia';
import { readAsset } from '../../../base/page-style/read-asset.ts' with { type: 'macro' };

// As text in the program: the appliance serves what it was built with.
const INSTALL = readAsset('appliance/sensors/shell/install.sh');
const SENSOR = readAsset('appliance/sensors/shell/sensor.sh');
const UNINSTALL = readAsset('appliance/sensors/shell/uninstall.sh');

const HEADERS = { 'content-type': 'text/x-shellscript; charset=utf-8' };
const raw = {
  description: 'POSIX shell',
  content: { 'text/x-shellscript': { schema: { type: 'string' as const } } },
};

/** Where the sensor stands in the installer. */
const PLACE = '@SENSOR@';

/** The shell sensor in its installer, one file that can be looked at before it is run; and its removal. */
export function scriptRoutes() {
  const installer = INSTALL.replace(PLACE, () => SENSOR.trimEnd());
  return new Elysia({ name: 'sensor-scripts' })
    .get('/sensor/install.sh', () => new Response(installer, { headers: HEADERS }), {
      detail: {
        ...{ tags: ['open'], security: [], summary: 'A sensor for Linux, as a script that installs it' },
        responses: { 200: raw },
      },
    })
    .get('/sensor/uninstall.sh', () => new Response(UNINSTALL, { headers: HEADERS }), {
      detail: { tags: ['open'], security: [], summary: 'Removes it', responses: { 200: raw } },
    });
}
