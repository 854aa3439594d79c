/** An answer of Kite's REST API that is an error: `{"status":"error","message":…,"error_type":…}`. */
export class KiteError extends Error {
  readonly status: number;
  readonly errorType: string;

  constructor(status: number, errorType: string, message: string) {
    super(message);
    this.name = 'KiteError';
    this.status = status;
    this.errorType = errorType;
  }
}

export const inputError = (message: string): KiteError => new KiteError(400, 'InputException', message);
export const tokenError = (): KiteError =>
  new KiteError(403, 'TokenException', 'Incorrect `api_key` or `access_token`.');
export const rateError = (): KiteError => new KiteError(429, 'NetworkException', 'Too many requests');

/** The error that the broker answers with a status of its own accord. */
export function errorOf(status: number): KiteError {
  if (status === 400) return inputError('Invalid request');
  if (status === 403) return tokenError();
  if (status === 429) return rateError();
  return new KiteError(
    status,
    status === 500 ? 'GeneralException' : 'NetworkException',
    'The upstream service is not available',
  );
}
