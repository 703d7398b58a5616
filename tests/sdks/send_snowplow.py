"""URL KEY COUNT PAUSE_SECONDS: demo_requested so many times by Snowplow's Python tracker."""

import sys
import time
from urllib.parse import urlsplit

from snowplow_tracker import (
    Emitter,
    PageView,
    SelfDescribing,
    SelfDescribingJson,
    StructuredEvent,
    Subject,
    Tracker,
)

url, key, count, pause = sys.argv[1], sys.argv[2], int(sys.argv[3]), float(sys.argv[4])
place = urlsplit(url)
emitter = Emitter(place.hostname, protocol="http", port=place.port, method="post", batch_size=20)
subject = Subject().set_user_id("u-1").set_domain_user_id("visitor-1")
tracker = Tracker("site", emitter, subject=subject, app_id=key)
tracker.track(PageView("https://shop.example/pricing", page_title="Pricing"))
tracker.track(StructuredEvent("docs", "Content Downloaded", label="guide", value=3))
for index in range(count):
    schema = "iglu:com.example/demo_requested/jsonschema/1-0-0"
    tracker.track(SelfDescribing(SelfDescribingJson(schema, {"index": index})))
    time.sleep(pause)
tracker.flush()
