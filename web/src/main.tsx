import { createRoot } from 'react-dom/client';
import { App } from './app';
import './app.css';

// The policy allows styles with the document's nonce. Components create styles at run time, and not all of them through the library,
// which could pass the nonce on. So every style that is created here gets it.
const nonce = document.querySelector<HTMLMetaElement>('meta[property="csp-nonce"]')?.nonce ?? '';
const createElement = document.createElement.bind(document);
document.createElement = ((name: string, options?: ElementCreationOptions) => {
  const element = createElement(name, options);
  if (element instanceof HTMLStyleElement) element.nonce = nonce;
  return element;
}) as typeof document.createElement;

createRoot(document.getElementById('root')!).render(<App />);
