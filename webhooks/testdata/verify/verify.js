const crypto = require("node:crypto");

const same = (a, b) => a.length === b.length && crypto.timingSafeEqual(Buffer.from(a), Buffer.from(b));

// headers with lower-case names, as Node gives them; body is the Buffer as it arrived.
function verify(secret, headers, body, tolerance = 300) {
  const id = headers["webhook-id"], timestamp = headers["webhook-timestamp"];
  if (!(Math.abs(Date.now() / 1000 - Number(timestamp)) <= tolerance)) return false; // recorded and sent again
  const key = Buffer.from(secret.replace(/^whsec_/, ""), "base64");
  const want = crypto.createHmac("sha256", key).update(`${id}.${timestamp}.`).update(body).digest("base64");
  return headers["webhook-signature"].split(" ").some((given) => same(given, "v1," + want));
}

// X-YHSD-HMAC-SHA256
function verifyToken(webhookToken, header, body) {
  return same(crypto.createHmac("sha256", webhookToken).update(body).digest("base64"), header);
}

module.exports = { verify, verifyToken };
