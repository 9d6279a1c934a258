#!/usr/bin/env python3
"""Change the price of a product and wait for the outcome.

    BRIDGE_URL=… OAUTH_CLIENT_ID=… OAUTH_CLIENT_SECRET=… HMAC_SECRET_CURRENT=… ./handler.py 7 25.50

The exit status is 0 only when the shop was changed. 1: refused, or ended
without success. 2: wrong arguments. 3: not known yet; run it again with the
--request-id it printed, which repeats nothing that has been done.
"""

from __future__ import annotations

import argparse
import os
import sys
import uuid
from decimal import Decimal, InvalidOperation

from bridge_client import BridgeError, Client, Refused

SETTINGS = ("BRIDGE_URL", "OAUTH_CLIENT_ID", "OAUTH_CLIENT_SECRET", "HMAC_SECRET_CURRENT")


def amount(text: str) -> Decimal:
    try:
        return Decimal(text)
    except InvalidOperation:
        raise argparse.ArgumentTypeError(f"{text!r} is no decimal number") from None


def main() -> int:
    parser = argparse.ArgumentParser(description="Change a product's price before tax and wait for the outcome.")
    parser.add_argument("product_id", type=int)
    parser.add_argument("price_ht", type=amount, help="before tax, in the shop's currency, such as 25.50")
    parser.add_argument("--request-id", default=str(uuid.uuid4()), help="of an earlier run, to repeat it safely")
    parser.add_argument("--deadline", type=float, default=120.0, help="seconds to wait (default %(default)g)")
    args = parser.parse_args()
    missing = [name for name in SETTINGS if not os.environ.get(name)]
    if missing:
        parser.error("not set in the environment: " + ", ".join(missing))
    print("request", args.request_id)  # before anything can go wrong
    job = None
    try:
        client = Client(*(os.environ[name] for name in SETTINGS))
        job = client.update_product(args.product_id, price_ht=args.price_ht, request_id=args.request_id)
        print("job", job.job_id)
        end = client.wait(job, deadline_seconds=args.deadline)
    except BridgeError as error:
        # Refused for good. Anything else leaves open what became of the job.
        refused = job is None and isinstance(error, Refused) and error.status < 500 and error.status != 429
        print(error if refused else f"not known yet: {error}", file=sys.stderr)
        return 1 if refused else 3
    except ValueError as error:
        parser.error(str(error))
    print(end.status, end.error or end.result)
    return 0 if end.succeeded else 1


if __name__ == "__main__":
    sys.exit(main())
