"""URL KEY COUNT PAUSE_SECONDS: demo_requested so many times by a GA4 library."""

import sys
import time

from ga4mp import GtagMP

url, key, count, pause = sys.argv[1], sys.argv[2], int(sys.argv[3]), float(sys.argv[4])
tracker = GtagMP(api_secret=key, measurement_id="G-1", client_id="visitor.1")
tracker._base_domain = f"{url}/mp/collect"  # it has no option for another host
page = tracker.create_new_event("page_view")
page.set_event_param("page_location", "https://shop.example/pricing")
page.set_event_param("page_title", "Pricing")
bought = tracker.create_new_event("purchase")
for name, value in (("transaction_id", "A-1"), ("value", 49.5), ("currency", "EUR")):
    bought.set_event_param(name, value)
bought.add_item_to_event({"item_id": "s-1", "item_name": "Shoe", "item_brand": "Acme"})
tracker.send([page, bought])
for index in range(count):
    event = tracker.create_new_event("demo_requested")
    event.set_event_param("index", index)
    tracker.send([event])
    time.sleep(pause)
