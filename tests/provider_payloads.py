"""What each provider posts of one person's click (or, where there are none, of a subscription), in
the shape of its own documentation.
"""

from __future__ import annotations

from typing import Any

EMAIL = "sarah@example.com"
URL = "https://acme.example/pricing?utm_campaign=may"
AT_S = 1777802000  # 2026-05-03T09:53:20Z
AT_ISO = "2026-05-03T09:53:20Z"
AGENT = "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15) Safari/605.1.15"

# provider → (what it posts of a click, the event type, the mail's id).
CLICKS: dict[str, tuple[Any, str, str]] = {
    "sendgrid": (
        [{
            "email": EMAIL, "timestamp": AT_S, "event": "click", "category": ["may"],
            "sg_event_id": "sg_event_id", "sg_message_id": "14c5d75ce93.dfd.64b469.filter0001",
            "useragent": AGENT, "ip": "203.0.113.9", "url": URL, "asm_group_id": 10,
        }],
        "email_clicked", "14c5d75ce93.dfd.64b469.filter0001",
    ),
    "mailgun": (
        {"event-data": {
            "event": "clicked", "id": "Ase7i2zsRYeDXztHGENqRA", "timestamp": AT_S + 0.521,
            "recipient": EMAIL, "recipient-domain": "example.com", "url": URL, "ip": "203.0.113.9",
            "message": {"headers": {"message-id": "20130503182626.18666.16540@mail.example"}},
            "geolocation": {"country": "US", "region": "CA", "city": "San Francisco"},
            "client-info": {"client-os": "macOS", "device-type": "desktop", "client-name": "Safari",
                            "client-type": "browser", "user-agent": AGENT, "bot": ""},
            "campaigns": [], "tags": ["my_tag_1"], "user-variables": {"plan": "trial"},
            "log-level": "info",
        }},
        "email_clicked", "20130503182626.18666.16540@mail.example",
    ),
    "postmark": (
        {
            "RecordType": "Click", "MessageStream": "outbound", "Metadata": {"plan": "trial"},
            "Recipient": EMAIL, "MessageID": "00000000-0000-0000-0000-000000000001",
            "ReceivedAt": "2026-05-03T09:53:20.9070259Z", "Platform": "Desktop", "Tag": "welcome",
            "ClickLocation": "HTML", "OriginalLink": URL, "UserAgent": AGENT,
            "OS": {"Name": "OS X", "Family": "OS X", "Company": "Apple"},
            "Client": {"Name": "Safari", "Family": "Safari", "Company": "Apple"},
            "Geo": {"IP": "203.0.113.9", "City": "Novi Sad", "Country": "Serbia"},
        },
        "email_clicked", "00000000-0000-0000-0000-000000000001",
    ),
    "ses": (
        {
            "eventType": "Click",
            "click": {
                "ipAddress": "203.0.113.9", "link": URL, "linkTags": {"samplekey": ["samplevalue"]},
                "timestamp": "2026-05-03T09:53:20.570Z", "userAgent": AGENT,
            },
            "mail": {
                "commonHeaders": {"from": ["a@acme.example"], "subject": "Hello", "to": [EMAIL]},
                "destination": [EMAIL], "headers": [{"name": "X-SES", "value": "x"}],
                "messageId": "EXAMPLE7c191be45-e9aedb9a", "sendingAccountId": "123456789012",
                "tags": {"plan": ["trial"], "ses:caller-identity": ["me"]},
                "timestamp": "2026-05-03T08:00:00.000Z",
            },
        },
        "email_clicked", "EXAMPLE7c191be45-e9aedb9a",
    ),
    "mandrill": (
        [{
            "event": "click", "_id": "exampleaaaaaaaaaaaaaaaaaaaaaaaaa4", "ts": AT_S, "url": URL,
            "ip": "203.0.113.9", "user_agent": AGENT,
            "location": {"country_short": "US", "city": "Oklahoma City"},
            "user_agent_parsed": {"type": "Browser", "ua_family": "Safari", "mobile": False},
            "msg": {
                "ts": AT_S - 3600, "subject": "Hello", "email": EMAIL, "sender": "a@acme.example",
                "tags": ["webhook-example"], "opens": [], "clicks": [], "state": "sent",
                "metadata": {"plan": "trial"}, "_id": "exampleaaaaaaaaaaaaaaaaaaaaaaaaa4",
            },
        }],
        "email_clicked", "exampleaaaaaaaaaaaaaaaaaaaaaaaaa4",
    ),
    "mailchimp": (
        {
            "type": "subscribe", "fired_at": "2026-05-03 09:53:20", "data[id]": "8a25ff1d98",
            "data[list_id]": "a6b5da1054", "data[email]": EMAIL, "data[email_type]": "html",
            "data[merges][EMAIL]": EMAIL, "data[merges][FNAME]": "Sarah",
            "data[ip_opt]": "203.0.113.9",
        },
        "newsletter_subscribed", "",
    ),
    "sparkpost": (
        [
            {"msys": {}},
            {"msys": {"track_event": {
                "type": "click", "event_id": "92356927693813856", "timestamp": str(AT_S),
                "rcpt_to": EMAIL, "raw_rcpt_to": EMAIL, "message_id": "000443ee14578172be22",
                "transmission_id": "65832150921904138", "target_link_url": URL,
                "target_link_name": "Pricing", "user_agent": AGENT, "ip_address": "203.0.113.9",
                "geo_ip": {"country": "US"}, "rcpt_meta": {"plan": "trial"}, "rcpt_tags": ["may"],
                "user_agent_parsed": {"agent_family": "Safari", "is_prefetched": False},
            }}},
        ],
        "email_clicked", "000443ee14578172be22",
    ),
    "brevo": (
        {
            "event": "click", "email": EMAIL, "id": 26224, "date": "2026-05-03 11:53:20",
            "ts": AT_S + 7200, "ts_event": AT_S, "ts_epoch": AT_S * 1000,
            "message-id": "<201798300811.5787683@relay.domain.com>", "subject": "Hello",
            "tag": "[\"may\"]", "tags": ["may"], "link": URL, "sending_ip": "198.51.100.1",
            "X-Mailin-custom": "{\"plan\": \"trial\"}",
        },
        "email_clicked", "201798300811.5787683@relay.domain.com",
    ),
    "resend": (
        {
            "type": "email.clicked", "created_at": "2026-05-03T09:53:20.724Z",
            "data": {
                "broadcast_id": "8b146471-e88e-4322-86af-016cd36fd216",
                "created_at": "2026-05-03T08:00:00.000000+00:00",
                "email_id": "56761188-7520-42d8-8898-ff6fc54ce618",
                "from": "Acme <a@acme.example>", "to": [EMAIL], "subject": "Hello",
                "click": {"ipAddress": "203.0.113.9", "link": URL, "timestamp": AT_ISO,
                          "userAgent": AGENT},
                "tags": [{"name": "plan", "value": "trial"}],
            },
        },
        "email_clicked", "56761188-7520-42d8-8898-ff6fc54ce618",
    ),
    "mailjet": (
        [{
            "event": "click", "time": AT_S, "MessageID": 19421777835146490,
            "Message_GUID": "1ab23cd4-e567-8901-2345-6789f0gh1i2j", "email": EMAIL,
            "mj_campaign_id": 7257, "mj_contact_id": 4, "customcampaign": "", "CustomID": "may",
            "Payload": "{\"plan\": \"trial\"}", "url": URL, "ip": "203.0.113.9", "geo": "FR",
            "agent": AGENT,
        }],
        "email_clicked", "1ab23cd4-e567-8901-2345-6789f0gh1i2j",
    ),
    "customerio": (
        {
            "event_id": "01E4C4CT6YDC7Y5M7FE1GWWPQJ", "object_type": "email", "metric": "clicked",
            "timestamp": AT_S,
            "data": {
                "customer_id": "0200102", "delivery_id": "RPILAgUBcRhIBqSfeiIwdIYJKxTY",
                "identifiers": {"id": "0200102", "email": EMAIL, "cio_id": "d9c106000001"},
                "recipient": EMAIL, "subject": "Hello", "campaign_id": 9, "action_id": 96,
                "href": URL, "link_id": 1,
            },
        },
        "email_clicked", "RPILAgUBcRhIBqSfeiIwdIYJKxTY",
    ),
    "klaviyo": (
        [{
            "external_id": "3XyzAbC", "topic": "event:klaviyo.clicked_email",
            "payload": {
                "data": {
                    "type": "event", "id": "3XyzAbC",
                    "attributes": {
                        "timestamp": AT_S, "datetime": "2026-05-03 09:53:20+00:00",
                        "uuid": "adfa4e80-46d5-11f1-8001-3d1e0a0d6a0b",
                        "event_properties": {
                            "Recipient Email Address": EMAIL, "Subject": "Hello", "URL": URL,
                            "$message": "01HX0000000000000000000000", "Campaign Name": "May",
                        },
                    },
                    "relationships": {"profile": {"data": {"type": "profile", "id": "01GDDK"}}},
                },
            },
        }],
        "email_clicked", "01HX0000000000000000000000",
    ),
    "typeform": (
        {
            "event_id": "LtWXD3crgy", "event_type": "form_response",
            "form_response": {
                "form_id": "lT4Z3j", "token": "a3a12ec67a1365927098a606107fac15",
                "submitted_at": AT_ISO, "landed_at": "2026-05-03T09:50:00Z",
                "hidden": {"utm_campaign": "may", "plan": "trial", "anonymous_id": "anon-1"},
                "calculated": {"score": 9},
                "definition": {
                    "id": "lT4Z3j", "title": "Retirement check",
                    "fields": [
                        {"id": "DlXFaesGBpoF", "title": "First name", "type": "short_text"},
                        {"id": "SMEUb7VJz92Q", "title": "Your e-mail?", "type": "email"},
                        {"id": "JwWggjAKtOkA", "title": "When?", "type": "multiple_choice"},
                        {"id": "RUqkXSeXBXSd", "title": "Agree?", "type": "yes_no"},
                    ],
                },
                "answers": [
                    {"type": "text", "text": "Sarah",
                     "field": {"id": "DlXFaesGBpoF", "type": "short_text", "ref": "a1"}},
                    {"type": "email", "email": EMAIL,
                     "field": {"id": "SMEUb7VJz92Q", "type": "email", "ref": "a2"}},
                    {"type": "choice", "choice": {"id": "c1", "label": "In ten years"},
                     "field": {"id": "JwWggjAKtOkA", "type": "multiple_choice", "ref": "a3"}},
                    {"type": "boolean", "boolean": True,
                     "field": {"id": "RUqkXSeXBXSd", "type": "yes_no", "ref": "a4"}},
                ],
            },
        },
        "form_submitted", "",
    ),
    "webflow": (
        {
            "triggerType": "form_submission",
            "payload": {
                "name": "Contact Us", "siteId": "65427cf400e02b306eaa049c",
                "data": {"First Name": "Sarah", "email": EMAIL, "plan": "trial"},
                "schema": [{"fieldName": "First Name", "fieldType": "FormTextInput"}],
                "submittedAt": "2026-05-03T09:53:20.121Z", "id": "6321ca84df3949bfc6752327",
                "formId": "65429eadebe8a9f3a30f62d0", "formElementId": "4e038d2c-6a1e",
            },
        },
        "form_submitted", "",
    ),
    "hubspot": (
        {
            "vid": 4321, "portal-id": 62515,
            "properties": {
                "email": {"value": EMAIL}, "firstname": {"value": "Sarah"},
                "plan": {"value": "trial"}, "hs_object_id": {"value": "4321"},
                "lastmodifieddate": {"value": str((AT_S + 5) * 1000)},
            },
            "form-submissions": [
                {"conversion-id": "old", "timestamp": 1577836800000, "title": "Old"},
                {"conversion-id": "1b3f8a2e-8a2c-4f0f", "timestamp": AT_S * 1000,
                 "form-id": "78d2", "title": "Demo", "page-url": URL},
            ],
        },
        "form_submitted", "",
    ),
    "calendly": (
        {
            "event": "invitee.created", "created_at": "2026-05-03T09:53:20.000000Z",
            "created_by": "https://api.calendly.com/users/AAAAAAAAAAAAAAAA",
            "payload": {
                "email": EMAIL, "name": "Sarah Smith", "status": "active", "rescheduled": False,
                "uri": "https://api.calendly.com/scheduled_events/AAAA/invitees/BBBB",
                "old_invitee": None, "new_invitee": None, "timezone": "America/New_York",
                "questions_and_answers": [
                    {"question": "plan", "answer": "trial", "position": 0},
                ],
                "scheduled_event": {
                    "uri": "https://api.calendly.com/scheduled_events/AAAA", "name": "First talk",
                    "start_time": "2026-05-10T15:30:00.000000Z",
                },
                "tracking": {"utm_campaign": "may", "utm_source": None},
            },
        },
        "meeting_booked", "",
    ),
    "zoom": (
        {
            "event": "webinar.participant_joined", "event_ts": AT_S * 1000,
            "payload": {
                "account_id": "AAAAAABBBB",
                "object": {
                    "id": "94066061111", "uuid": "reQVSuOGRtGyEDGQuIP+Wg==", "type": 5,
                    "topic": "Retirement", "start_time": "2026-05-03T09:30:00Z", "duration": 60,
                    "participant": {
                        "user_id": "25171111", "user_name": "Sarah", "email": EMAIL,
                        "registrant_id": "abcdefghij0", "join_time": AT_ISO,
                        "participant_uuid": "55555AAAiAAAAAiAiAiiAii",
                    },
                },
            },
        },
        "webinar_attended", "",
    ),
    "gravityforms": (
        {
            "id": "77", "form_id": "3", "date_created": "2026-05-03 09:53:20", "is_read": "0",
            "source_url": URL, "ip": "203.0.113.9", "user_agent": AGENT, "status": "active",
            "1.3": "Sarah", "1.6": "Smith", "2": EMAIL, "plan": "trial", "5": "",
        },
        "form_submitted", "",
    ),
    "contactform7": (
        {"your-name": "Sarah", "your-email": EMAIL, "plan": "trial", "_wpcf7": "6"},
        "form_submitted", "",
    ),
    "generic": (
        {
            "id": 820982911946154508, "email": EMAIL, "created_at": "2026-05-03T05:53:20-04:00",
            "total_price": "398.00", "currency": "USD", "financial_status": "paid",
            "customer": {"id": 115310627314723954, "first_name": "Sarah"},
            "line_items": [{"title": "IPod Nano"}, {"title": "Cable"}], "tags": "trial",
        },
        "purchase_made", "",
    ),
}  # fmt: skip

MAPPING = """
name: Shopify, orders paid
proof:
  hmac: {header: X-Shopify-Hmac-Sha256, encoding: base64}
event:
  type: purchase_made
  at: created_at
  id: id
  when: [{value: financial_status, is: paid}]
  email: email
  external: {shopify: customer.id}
  traits: {first_name: customer.first_name}
  properties:
    amount: total_price
    currency: currency
    items: line_items[*].title
    plan: tags
    provider_event: =orders/paid
"""
