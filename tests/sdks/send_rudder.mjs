// URL KEY COUNT PAUSE_SECONDS: "Demo Requested" so many times by RudderStack's Node SDK.
import { setTimeout as wait } from "node:timers/promises";
import RudderAnalytics from "@rudderstack/rudder-sdk-node";

const [url, key, count, pause] = process.argv.slice(2);
const analytics = new RudderAnalytics(key, {
  dataPlaneUrl: url, flushAt: 20, flushInterval: 500, retryCount: 12, // three are over in a second
});
analytics.identify({ userId: "u-1", traits: { email: "ann@example.com", title: "Adviser" } });
for (let index = 0; index < Number(count); index += 1) {
  analytics.track({ userId: "u-1", event: "Demo Requested", properties: { index } });
  await wait(Number(pause) * 1000);
}
// One flush sends one batch; requests still under way keep the process up.
while (analytics.queue.length) await analytics.flush();
await analytics.flush();
