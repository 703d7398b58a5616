"""URL KEY COUNT PAUSE_SECONDS: "Demo Requested" so many times by Segment's Python SDK."""

import sys
import time

from segment.analytics.client import Client

url, key, count, pause = sys.argv[1], sys.argv[2], int(sys.argv[3]), float(sys.argv[4])
client = Client(key, host=url, gzip=True, upload_size=20, max_retries=20)
client.identify("u-1", {"email": "ann@example.com", "title": "Adviser"})
for index in range(count):
    client.track("u-1", "Demo Requested", {"index": index})
    time.sleep(pause)
client.shutdown()
