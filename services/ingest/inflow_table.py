"""Where people come from, by host and by medium: the table that `inflow` looks up.

Hosts count with all hosts below them; "google.*" is any top-level domain, also such as co.uk. Apps
of Android refer as android-app://PACKAGE, so packages stand here like hosts. The longest name that
fits counts. Names of media are those in use for utm_medium.
"""

from __future__ import annotations

from typing import Final

SEARCH, SOCIAL, EMAIL = "search", "social", "email"
PAID, REFERRAL, DIRECT = "paid", "referral", "direct"
OWN: Final = "own"
CHANNELS: Final = (SEARCH, SOCIAL, EMAIL, PAID, REFERRAL, DIRECT)

_SEARCH: Final = {
    "google.*": "google", "bing.com": "bing", "duckduckgo.com": "duckduckgo",
    "ecosia.org": "ecosia", "qwant.com": "qwant", "startpage.com": "startpage",
    "search.brave.com": "brave",
    "yandex.*": "yandex", "ya.ru": "yandex", "baidu.com": "baidu", "sogou.com": "sogou",
    "so.com": "so", "naver.com": "naver", "daum.net": "daum", "seznam.cz": "seznam",
    "search.yahoo.com": "yahoo", "search.yahoo.co.jp": "yahoo", "ask.com": "ask",
    "search.aol.com": "aol", "metager.org": "metager", "metager.de": "metager",
    "swisscows.com": "swisscows", "mojeek.com": "mojeek", "kagi.com": "kagi",
    "suche.t-online.de": "t-online", "search.orange.fr": "orange", "coccoc.com": "coccoc",
    "com.google.android.googlequicksearchbox": "google",
}  # fmt: skip
_SOCIAL: Final = {
    "facebook.com": "facebook", "fb.com": "facebook", "fb.me": "facebook",
    "messenger.com": "messenger", "instagram.com": "instagram", "threads.net": "threads",
    "threads.com": "threads", "linkedin.com": "linkedin", "lnkd.in": "linkedin", "x.com": "x",
    "twitter.com": "x", "t.co": "x", "youtube.com": "youtube", "youtu.be": "youtube",
    "tiktok.com": "tiktok", "pinterest.*": "pinterest", "pin.it": "pinterest",
    "reddit.com": "reddit", "quora.com": "quora", "tumblr.com": "tumblr",
    "snapchat.com": "snapchat", "whatsapp.com": "whatsapp", "wa.me": "whatsapp",
    "telegram.org": "telegram", "t.me": "telegram", "discord.com": "discord", "xing.com": "xing",
    "vk.com": "vk", "ok.ru": "ok", "weibo.com": "weibo", "t.cn": "weibo", "medium.com": "medium",
    "vimeo.com": "vimeo", "bsky.app": "bluesky", "mastodon.social": "mastodon",
    "news.ycombinator.com": "hacker news", "slideshare.net": "slideshare",
    "com.linkedin.android": "linkedin", "com.facebook.katana": "facebook",
    "com.reddit.frontpage": "reddit", "org.telegram.messenger": "telegram",
    "com.twitter.android": "x", "com.instagram.android": "instagram",
}  # fmt: skip
_EMAIL: Final = {
    "mail.google.com": "gmail", "com.google.android.gm": "gmail", "outlook.live.com": "outlook",
    "outlook.office.com": "outlook", "outlook.office365.com": "outlook",
    "mail.yahoo.com": "yahoo mail", "mail.yahoo.co.jp": "yahoo mail", "mail.aol.com": "aol mail",
    "mail.yandex.*": "yandex mail", "mail.ru": "mail.ru", "mail.proton.me": "proton mail",
    "app.fastmail.com": "fastmail", "mail.zoho.com": "zoho mail",
    "navigator.gmx.net": "gmx", "navigator.web.de": "web.de", "mail.163.com": "163",
    "mail.qq.com": "qq mail", "deref-gmx.net": "gmx", "deref-web.de": "web.de",
    "com.microsoft.office.outlook": "outlook", "com.yahoo.mobile.client.android.mail": "yahoo mail",
    "list-manage.com": "mailchimp",
}  # fmt: skip

# Parts of large houses that aren't what the house is known for; who comes back from a sign-in comes
# from nowhere.
_OTHERS: Final = {
    "docs.google.com": (REFERRAL, "google docs"), "drive.google.com": (REFERRAL, "google drive"),
    "sites.google.com": (REFERRAL, "google sites"), "meet.google.com": (REFERRAL, "google meet"),
    "calendar.google.com": (REFERRAL, "google calendar"),
    "classroom.google.com": (REFERRAL, "google classroom"),
    "groups.google.com": (REFERRAL, "google groups"), "chat.google.com": (REFERRAL, "google chat"),
    "gemini.google.com": (REFERRAL, "gemini"), "accounts.google.*": (OWN, ""),
    "login.microsoftonline.com": (OWN, ""), "login.live.com": (OWN, ""),
    "passport.yandex.*": (OWN, ""), "disk.yandex.*": (REFERRAL, "yandex disk"),
}  # fmt: skip

HOSTS: Final[dict[str, tuple[str, str]]] = {
    host: (channel, name)
    for channel, table in ((SEARCH, _SEARCH), (SOCIAL, _SOCIAL), (EMAIL, _EMAIL))
    for host, name in table.items()
} | _OTHERS
_MEDIA: Final = {
    PAID: "cpc ppc cpm cpa cpv cpi cpl paid paidsearch paid_search paid-search sem adwords ads ad "
    "display banner retargeting remarketing programmatic native sponsored paidsocial paid_social "
    "paid-social paid_video",
    EMAIL: "email e-mail e_mail mail newsletter edm drip",
    SOCIAL: "social social-network social-media sm social_network social_media organic_social "
    "organic-social",
    SEARCH: "organic search organic_search organic-search seo",
    REFERRAL: "referral referrer affiliate partner pr press qr print offline",
}
MEDIA: Final[dict[str, str]] = {
    medium: channel for channel, names in _MEDIA.items() for medium in names.split()
}
# Ids that advertising networks add to the address of a click that was paid for.
PAID_IDS: Final = {
    "gclid": "google", "gbraid": "google", "wbraid": "google", "dclid": "google",
    "msclkid": "bing", "ttclid": "tiktok", "twclid": "x", "li_fat_id": "linkedin",
    "yclid": "yandex", "epik": "pinterest", "rdt_cid": "reddit",
}  # fmt: skip
# An id of every click there, paid for or not.
SOCIAL_IDS: Final = {"fbclid": "facebook", "igshid": "instagram"}
EMAIL_IDS: Final = {"mc_eid": "mailchimp", "_hsenc": "hubspot", "_ke": "klaviyo"}
