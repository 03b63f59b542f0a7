import type { IncomingMessage, ServerResponse } from "node:http";

export const PAGE: string;
export function answerTo(incoming: IncomingMessage, outgoing: ServerResponse, page: string): void;
