"""Programs that write, check or measure this repository; no part of the product."""
