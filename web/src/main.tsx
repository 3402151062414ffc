import { createRoot } from 'react-dom/client';
import { App } from './app';
import './app.css';

// The policy lets a style in that carries the document's nonce. Components make styles while they run, not all of them by the
// library's own way, which could be told of the nonce: so every one that is made here gets it.
const nonce = document.querySelector<HTMLMetaElement>('meta[property="csp-nonce"]')?.nonce ?? '';
const createElement = document.createElement.bind(document);
document.createElement = ((name: string, options?: ElementCreationOptions) => {
  const element = createElement(name, options);
  if (element instanceof HTMLStyleElement) element.nonce = nonce;
  return element;
}) as typeof document.createElement;

createRoot(document.getElementById('root')!).render(<App />);
