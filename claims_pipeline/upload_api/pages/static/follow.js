// Follows what changes by itself: by server-sent events, or by asking every few seconds where these
// do not come. Never both, and neither while nobody looks: a browser has few connections to a host.

const ASK_EVERY_MS = 3000;

/**
 * Follow until nothing changes any more.
 *
 * `isLive()` tells whether anything still does, `address()` where its events are, `heard` what to do
 * with the data of each kind of event, and `ask()` looks once without events; it throws an error
 * with a `status` where it got no answer.
 */
export function follow({ isLive, address, heard, ask }) {
  let stream = null;
  let timer = null;
  let turn = 0; // an answer that comes after its turn has ended leads on to nothing

  function begin() {
    if (document.hidden || stream || timer !== null || !isLive()) return;
    if ("EventSource" in window) listen();
    else askIn(0);
  }

  function leave() {
    turn += 1;
    stream?.close();
    stream = null;
    clearTimeout(timer);
    timer = null;
  }

  function listen() {
    stream = new EventSource(address());
    for (const [kind, tell] of Object.entries(heard)) {
      stream.addEventListener(kind, (event) => {
        tell(JSON.parse(event.data));
        if (!isLive()) leave();
      });
    }
    stream.addEventListener("error", () => {
      // The browser reconnects by itself after a broken line; this one was refused.
      if (stream?.readyState !== EventSource.CLOSED) return;
      leave();
      askIn(0);
    });
  }

  function askIn(ms) {
    timer = setTimeout(look, ms, turn);
  }

  async function look(mine) {
    try {
      await ask();
    } catch (error) {
      if (mine !== turn) return;
      if (error.status === 401) {
        // Nothing is to be had until somebody has signed in and comes back.
        leave();
        return;
      }
    }
    if (mine === turn && isLive()) askIn(ASK_EVERY_MS);
  }

  begin();
  document.addEventListener("visibilitychange", () => (document.hidden ? leave() : begin()));
  addEventListener("pagehide", leave);
  addEventListener("pageshow", begin);
  addEventListener("focus", begin);
  document.getElementById("session-ended")?.addEventListener("close", begin);
}
