<?php
// $headers with lower-case names; $body is file_get_contents('php://input'), before any parsing.
function verify(string $secret, array $headers, string $body, int $tolerance = 300): bool
{
    [$id, $timestamp] = [$headers['webhook-id'], $headers['webhook-timestamp']];
    if (abs(time() - (int) $timestamp) > $tolerance) {
        return false; // recorded and sent again
    }
    $key = base64_decode(preg_replace('/^whsec_/', '', $secret));
    $want = 'v1,' . base64_encode(hash_hmac('sha256', "$id.$timestamp.$body", $key, true));
    foreach (explode(' ', $headers['webhook-signature']) as $given) {
        if (hash_equals($want, $given)) {
            return true;
        }
    }
    return false;
}

// X-YHSD-HMAC-SHA256
function verify_token(string $webhookToken, string $header, string $body): bool
{
    return hash_equals(base64_encode(hash_hmac('sha256', $body, $webhookToken, true)), $header);
}
