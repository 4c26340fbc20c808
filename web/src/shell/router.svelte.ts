/** The address that is shown, and the way to others: links are followed without loading anew. */
class Router {
  url = $state.raw(new URL(location.href));

  constructor() {
    addEventListener("popstate", () => this.#read());
    document.addEventListener("click", (event) => this.#follow(event));
  }

  /** Show another page, or this one with other parameters, as a new entry of the history. */
  navigate(address: string): void {
    this.push(address);
    scrollTo(0, 0);
  }

  /** Show this page otherwise, as a new entry of the history, and stay where it is scrolled to. */
  push(address: string): void {
    history.pushState(null, "", address);
    this.#read();
  }

  /** Name what is shown otherwise, in the history's present entry. */
  replace(address: string): void {
    history.replaceState(null, "", address);
    this.#read();
  }

  #read(): void {
    this.url = new URL(location.href);
  }

  #follow(event: MouseEvent): void {
    const link = event.target instanceof Element ? event.target.closest("a") : null;
    if (link === null || event.defaultPrevented || !isPlainClick(event)) return;
    if (link.origin !== location.origin || !/^\/ui(\/|$)/.test(link.pathname)) return;
    if (link.target !== "" || link.hasAttribute("download")) return;
    event.preventDefault();
    this.navigate(link.href);
  }
}

/** Not one that asks the browser for a new tab or window. */
function isPlainClick(event: MouseEvent): boolean {
  return event.button === 0 && !event.metaKey && !event.ctrlKey && !event.shiftKey && !event.altKey;
}

export const router = new Router();
