import type { CoordinatorLab } from './coordinator-lab.ts';

export interface ShownPage {
  status: number;
  headers: Headers;
  html: string;
  /** Where it leads; null: it stays. */
  location: string | null;
}

/** A browser without scripts: keeps its cookie, reads pages, sends their forms. */
export class Visitor {
  cookie: string | undefined;
  readonly lab: Pick<CoordinatorLab, 'url'>;

  constructor(lab: Pick<CoordinatorLab, 'url'>, session?: string) {
    this.lab = lab;
    if (session !== undefined) this.cookie = `bulkhead_session=${session}`;
  }

  see(path: string): Promise<ShownPage> {
    return this.#ask(path, {});
  }

  /** Sends a form of a page with the token that the page has. @param changed fields of the request, to send them wrong */
  async send(
    path: string,
    fields: Record<string, string>,
    changed: Record<string, string> = {},
  ): Promise<ShownPage> {
    const form_token = this.#tokenOf((await this.see(path)).html);
    return await this.post(path, { form_token, ...fields }, changed);
  }

  /** A form that brings files, with the token that the page has. @param files name of the field, of the file, and its bytes */
  async sendFiles(
    path: string,
    fields: Record<string, string>,
    files: readonly [field: string, filename: string, bytes: Blob][],
  ): Promise<ShownPage> {
    const form = new FormData();
    form.append('form_token', this.#tokenOf((await this.see(path)).html));
    for (const [name, value] of Object.entries(fields)) form.append(name, value);
    for (const [field, filename, bytes] of files) form.append(field, bytes, filename);
    return await this.postForm(path, form);
  }

  postForm(path: string, form: FormData): Promise<ShownPage> {
    return this.#ask(path, { method: 'POST', body: form, headers: { 'sec-fetch-site': 'same-origin' } });
  }

  #tokenOf(html: string): string {
    return /name="form_token" value="(\w+)"/.exec(html)?.[1] ?? '';
  }

  post(
    path: string,
    fields: Record<string, string>,
    changed: Record<string, string> = {},
  ): Promise<ShownPage> {
    return this.#ask(path, {
      method: 'POST',
      body: new URLSearchParams(fields).toString(),
      headers: {
        'content-type': 'application/x-www-form-urlencoded',
        'sec-fetch-site': 'same-origin',
        ...changed,
      },
    });
  }

  async #ask(
    path: string,
    init: { method?: string; body?: string | FormData; headers?: Record<string, string> },
  ): Promise<ShownPage> {
    const response = await fetch(this.lab.url + path, {
      ...init,
      headers: {
        accept: 'text/html',
        ...init.headers,
        ...(this.cookie === undefined ? {} : { cookie: this.cookie }),
      },
      redirect: 'manual',
    });
    const cookie = response.headers.get('set-cookie');
    if (cookie !== null) this.cookie = cookie.split(';')[0];
    const { status, headers } = response;
    return { status, headers, html: await response.text(), location: headers.get('location') };
  }
}
