// Keeps the page true without reloading it. The stream says that something changed; what it looks like is rendered in one
// place, on the server, and fetched from there. Without this script the page is complete, it only stands still.

const SILENCE_MAX_MS = 30_000;
const RETRY_MS = 10_000;
const FETCH_TIMEOUT_MS = 10_000;

let events = null;
let lastHeard_ms = Date.now();
let fetching = false;
let again = false;

function show(connection) {
  const root = document.documentElement;
  if (root.dataset.connection !== connection) root.dataset.connection = connection;
  const moment = document.querySelector('#connection .as-of')?.textContent ?? '';
  const text = connection === 'live' ? 'Live' : `No connection. What you see was true at ${moment}.`;
  let line = document.querySelector('#connection .state');
  if (!line) {
    line = document.createElement('span');
    line.className = 'state';
    const holder = document.querySelector('#connection');
    for (const child of holder.children) child.hidden = true;
    holder.append(line);
  }
  if (line.textContent !== text) line.textContent = text;
  if (connection === 'lost' && !document.title.startsWith('No connection')) {
    document.title = `No connection · ${document.title}`;
  }
}

async function refresh() {
  if (document.hidden) {
    again = true;
    return;
  }
  if (fetching) {
    again = true;
    return;
  }
  fetching = true;
  again = false;
  try {
    const answer = await fetch('/', {
      headers: { accept: 'text/html' },
      cache: 'no-store',
      signal: AbortSignal.timeout(FETCH_TIMEOUT_MS),
    });
    // 503 is a page too: it says that the appliance cannot tell its state.
    take(new DOMParser().parseFromString(await answer.text(), 'text/html'));
    show('live');
  } catch {
    show('lost');
  }
  fetching = false;
  if (again) refresh();
}

function take(next) {
  const icon = (page) => page.querySelector('link[rel=icon]');
  document.title = next.title;
  document.documentElement.dataset.tone = next.documentElement.dataset.tone;
  if (icon(document).getAttribute('href') !== icon(next).getAttribute('href'))
    icon(document).replaceWith(icon(next));
  for (const part of ['header .name', '#connection .as-of', 'main']) {
    const now = document.querySelector(part);
    const wanted = next.querySelector(part);
    if (!now || !wanted) continue;
    wanted.hidden = now.hidden;
    morph(now, wanted);
  }
}

function connect() {
  events?.close();
  events = new EventSource('/api/v1/events');
  const heard = () => {
    lastHeard_ms = Date.now();
    refresh();
  };
  events.addEventListener('status', heard);
  events.addEventListener('problem', heard);
  events.addEventListener('error', () => {
    // The browser reconnects by itself, except when it was refused; a page that is one too many asks from time to time.
    if (events.readyState === EventSource.CLOSED) refresh();
    else show('lost');
  });
}

document.addEventListener('visibilitychange', () => {
  if (!document.hidden) refresh();
});
setInterval(() => {
  if (events.readyState === EventSource.CLOSED || Date.now() - lastHeard_ms > SILENCE_MAX_MS) {
    connect();
    refresh();
  }
}, RETRY_MS);
connect();
