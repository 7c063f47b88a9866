// One line above the chat for what went wrong.

const notice = /** @type {HTMLElement} */ (document.getElementById("notice"));

/** @param {string} text */
export function showNotice(text) {
  notice.textContent = text;
  notice.hidden = false;
}

/** Takes the line away. */
export function hideNotice() {
  notice.hidden = true;
}

/**
 * Shows the line only if something takes too long.
 *
 * @param {string} text
 * @param {number} patience How long to wait, in milliseconds.
 * @returns {() => void} What to call when it is done; takes the line away.
 */
export function showIfLate(text, patience) {
  const timer = setTimeout(showNotice, patience, text);
  return () => {
    clearTimeout(timer);
    if (notice.textContent === text) hideNotice();
  };
}
