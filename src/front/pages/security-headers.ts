// The headers of every page that Sesta itself serves.

/**
 * Referrer-Policy: under `no-referrer` a browser sends `Origin: null` with a plain form post (Fetch, "append a request
 * Origin header"), which the front door could not tell from a stranger's. `strict-origin` keeps the true Origin and,
 * like it, never sends a path or a query.
 */
export const securityHeaders: Record<string, string> = {
  "content-security-policy": [
    "default-src 'none'",
    "style-src 'self'",
    "script-src 'self'",
    "img-src 'self' data:",
    "connect-src 'self'",
    "form-action 'self'",
    "base-uri 'none'",
    "frame-ancestors 'none'",
  ].join("; "),
  "x-content-type-options": "nosniff",
  "referrer-policy": "strict-origin",
  "cache-control": "no-store",
  "cross-origin-opener-policy": "same-origin",
  "permissions-policy": [
    "accelerometer",
    "camera",
    "display-capture",
    "geolocation",
    "gyroscope",
    "microphone",
    "payment",
    "serial",
    "usb",
  ]
    .map((feature) => `${feature}=()`)
    .join(", "),
};
