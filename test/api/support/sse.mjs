// Server-sent events as the import sends them: `data: {json}` frames and heartbeat comments.

import { answerOf, checkAnswer } from './openapi.mjs';

// Yields { data } for a frame and { comment } for a comment line, each with `at` (ms), from a Node response or a web stream. Checks
// a Node response against docs/openapi.json. Bytes are joined before they are decoded, because a chunk may end inside of a character.
export async function* frames(stream) {
  const decoder = new TextDecoder('utf-8', { fatal: true });
  let text = '';
  for await (const chunk of stream) {
    text += decoder.decode(chunk, { stream: true });
    for (let end; (end = text.indexOf('\n\n')) >= 0; text = text.slice(end + 2)) {
      const frame = parseFrame(text.slice(0, end));
      if (frame.data && stream.req) checkAnswer(answerOf(stream), frame.data);
      yield { ...frame, at: Date.now() };
    }
  }
  if (text.trim() !== '') throw new Error(`the stream ends within a frame: ${text}`);
}

function parseFrame(text) {
  const lines = text.split('\n');
  const comments = lines.filter((line) => line.startsWith(':'));
  const data = lines.filter((line) => line.startsWith('data: '));
  if (data.length + comments.length !== lines.length) throw new Error(`not a frame of this API: ${text}`);
  if (data.length > 1) throw new Error(`more than one data line: ${text}`);
  return data.length ? { data: JSON.parse(data[0].slice(6)) } : { comment: comments.join('\n').slice(1).trim() };
}

// All events (without comments) of a response to its end.
export async function allEvents(response) {
  const events = [];
  for await (const frame of frames(response.body ?? response)) if (frame.data) events.push(frame.data);
  return events;
}

export const lastEvent = (events) => events[events.length - 1];
