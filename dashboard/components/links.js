// Follow our links inside the session: a browser that loads the page anew begins another session, which has none of
// what this one typed and did not save. Streamlit reads the address again at every step back or forward, so this is one.
if (!window.rapportLinks) {
  window.rapportLinks = true;
  document.addEventListener("click", (event) => {
    const link = event.target.closest?.('a.r-who:not([target="_blank"], [href^="#"])');
    const elsewhere = event.button || event.ctrlKey || event.metaKey || event.shiftKey || event.altKey;
    if (!link || elsewhere || event.defaultPrevented || link.origin !== location.origin) return;
    event.preventDefault();
    history.pushState(null, "", link.href);
    window.dispatchEvent(new PopStateEvent("popstate"));
    document.querySelector('[data-testid="stMain"]')?.scrollTo(0, 0);
  });
}
