// Pages are made on the server and complete without this. It does three things: fetches a page anew when the coordinator says that
// something of it has changed; counts whom a query means while it is written; shows how far an upload is.

const RETRY_MS = 10_000;
const FETCH_TIMEOUT_MS = 20_000;
const TYPING_PAUSE_MS = 400;

const main = document.querySelector('main');

async function fetchMain(address) {
  const answer = await fetch(address, {
    headers: { accept: 'text/html' },
    cache: 'no-store',
    signal: AbortSignal.timeout(FETCH_TIMEOUT_MS),
  });
  // Nobody is signed in any more: what stands here is nobody's to see.
  if (answer.redirected) location.reload();
  if (!answer.ok) throw new Error(`${answer.status}`);
  return new DOMParser().parseFromString(await answer.text(), 'text/html');
}

const concerns = main.dataset.live?.split(' ') ?? [];
let events = null;
let fetching = false;
let again = false;

function show(connection) {
  document.documentElement.dataset.connection = connection;
  const line = document.querySelector('#liveness');
  const text = connection === 'live' ? 'Live' : 'No connection: what you see may be old.';
  if (line && line.textContent !== text) line.textContent = text;
}

async function refresh() {
  if (fetching || document.hidden) {
    again = true;
    return;
  }
  fetching = true;
  again = false;
  try {
    const next = await fetchMain(location.href);
    const wanted = next.querySelector('main');
    // It says itself that it is live.
    wanted.querySelector('#liveness')?.replaceWith(document.querySelector('#liveness').cloneNode(true));
    document.title = next.title;
    morph(main, wanted);
    const nav = next.querySelector('header nav');
    if (nav) morph(document.querySelector('header nav'), nav);
    show('live');
  } catch {
    show('lost');
  }
  fetching = false;
  if (again) refresh();
}

function connect() {
  events?.close();
  events = new EventSource(`/live?${new URLSearchParams(concerns.map((concern) => ['of', concern]))}`);
  // What happened between the page and the stream is told by neither.
  events.addEventListener('open', refresh);
  events.addEventListener('changed', refresh);
  // The browser comes again by itself, except when it was refused.
  events.addEventListener('error', () => show('lost'));
}

if (concerns.length > 0) {
  // A browser opens few connections to one place: pages that nobody looks at have none.
  document.addEventListener('visibilitychange', () => {
    if (document.hidden) {
      events?.close();
      return;
    }
    connect();
  });
  setInterval(() => {
    if (document.hidden || events?.readyState !== EventSource.CLOSED) return;
    connect();
    refresh();
  }, RETRY_MS);
  if (!document.hidden) connect();
}

// The count beside a query, from the page itself as it is for that query.
const preview = document.querySelector('[data-preview]');
if (preview) {
  const { form } = preview.querySelector('input');
  const count = document.querySelector(`#${preview.dataset.preview}-count`);
  let pause = null;
  let asked = 0;
  const ask = async () => {
    asked += 1;
    const turn = asked;
    const fields = new FormData(form);
    const query = new URLSearchParams({ cohort: fields.get('cohort'), version: fields.get('version') });
    try {
      const next = await fetchMain(`${location.pathname}?${query}`);
      if (turn === asked) morph(count, next.querySelector(`#${count.id}`));
    } catch {
      // The button beside it says why.
    }
  };
  form.addEventListener('input', ({ target }) => {
    if (target.name !== 'cohort' && target.name !== 'version') return;
    clearTimeout(pause);
    pause = setTimeout(ask, TYPING_PAUSE_MS);
  });
}

// The same request as the browser would make of the form, with a bar.
for (const form of document.querySelectorAll('form[data-upload]')) {
  form.addEventListener('submit', (event) => {
    event.preventDefault();
    const bar = document.createElement('progress');
    const line = document.createElement('p');
    line.setAttribute('role', 'status');
    line.textContent = 'Sending …';
    form.append(bar, line);
    for (const button of form.querySelectorAll('button')) button.disabled = true;
    const request = new XMLHttpRequest();
    request.upload.addEventListener('progress', ({ loaded, total, lengthComputable }) => {
      if (!lengthComputable || loaded === total) bar.removeAttribute('value');
      else bar.value = loaded / total;
      line.textContent =
        loaded === total
          ? 'All is sent. It is being looked at …'
          : `${Math.floor((loaded / total) * 100)} % sent`;
    });
    request.addEventListener('load', () => {
      if (request.status < 400) {
        location.assign(request.responseURL);
        return;
      }
      // Refused: the page says why. What was chosen stays chosen.
      const next = new DOMParser().parseFromString(request.responseText, 'text/html');
      for (const old of main.querySelectorAll(':scope > .message')) old.remove();
      const message = next.querySelector('main > .message');
      if (message) main.prepend(document.importNode(message, true));
      finish();
    });
    const finish = () => {
      bar.remove();
      line.remove();
      for (const button of form.querySelectorAll('button')) button.disabled = false;
    };
    request.addEventListener('error', () => {
      finish();
      line.textContent = 'The connection broke off. Nothing was done; send it again.';
      form.append(line);
    });
    request.open('POST', location.href);
    request.setRequestHeader('accept', 'text/html');
    request.send(new FormData(form));
  });
}
