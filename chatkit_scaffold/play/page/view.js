// What the views have in common.
import htm from "./vendor/htm.js";
import { Component, h } from "./vendor/preact.js";

export const html = htm.bind(h);
const pretty = (value) => JSON.stringify(value, null, 2);
export const Json = ({ value }) => html`<pre tabindex="0">${pretty(value)}</pre>`;
export const Button = ({ icon, label, ...rest }) =>
  html`<button type="button" class="icon ${icon}" title=${label} aria-label=${label} ...${rest} />`;

/** Draws a view again only when one of its values changes; what a view cannot show becomes JSON. */
export class Kept extends Component {
  shouldComponentUpdate(next, { failed }) {
    const { props, state } = this;
    return failed !== state.failed || Object.keys(next).some((key) => next[key] !== props[key]);
  }
  componentDidCatch() {
    this.setState({ failed: true });
  }
  render({ View, ...values }, { failed }) {
    return failed ? html`<${Json} value=${values} />` : html`<${View} ...${values} />`;
  }
}

/** A field for JSON, and a button that sends it. */
export function JsonForm({ value, label, field, button, onSend }) {
  const submit = (event) => {
    event.preventDefault();
    const [input] = event.target.elements;
    try {
      onSend(JSON.parse(input.value));
    } catch (error) {
      input.setCustomValidity(error.message);
      input.reportValidity();
    }
  };
  return html`<form onSubmit=${submit}>
    <textarea class="code" data-testid=${field} aria-label=${label} defaultValue=${pretty(value)}
      onInput=${({ target }) => target.setCustomValidity("")} />
    <button data-testid=${button}>${label}</button>
  </form>`;
}
