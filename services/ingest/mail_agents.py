"""What fetches mails' images and follows their links besides people, as it names itself.

Gathered from what vendors write and receivers of mail see: an image proxy that fetches when a
person opens the mail isn't a robot; one that fetches everything beforehand is.
"""

from __future__ import annotations

from typing import Final

# Security gateways that follow links before, or instead of, the person; words in lower case.
SCANNERS: Final[tuple[tuple[str, tuple[str, ...]], ...]] = (
    ("Barracuda", ("barracuda", "bsn-mail")),
    ("Proofpoint", ("proofpoint", "urldefense", "pphosted")),
    ("Mimecast", ("mimecast",)),
    ("Microsoft Defender", ("safelinks", "microsoft office/16 (atp", "ms-defender", "bingpreview")),
    ("Symantec", ("symantec", "messagelabs", "blue coat")),
    ("Cisco", ("ironport", "cisco-scansafe", "talos")),
    ("Trend Micro", ("trendmicro", "trend micro", "tmase")),
    ("Sophos", ("sophos", "reflexion")),
    ("Fortinet", ("fortimail", "fortiguard", "fortisandbox")),
    ("Forcepoint", ("forcepoint", "websense")),
    ("FireEye", ("fireeye", "trellix")),
    ("Zscaler", ("zscaler",)),
    ("Palo Alto", ("paloalto", "wildfire", "expanse")),
    ("Check Point", ("checkpoint", "avanan")),
    ("Hornetsecurity", ("hornetsecurity", "vade secure", "vaderetro")),
    ("Google", ("google-safety", "google-read-aloud")),
    ("VirusTotal", ("virustotal", "urlscan", "phishtank", "cyren", "zerofox")),
)

# Fetch images through a proxy when a person opens the mail: nothing is proven either way.
IMAGE_PROXIES: Final[tuple[tuple[str, tuple[str, ...]], ...]] = (
    ("Gmail's image proxy", ("googleimageproxy", "ggpht.com")),
    ("Yahoo's image proxy", ("yahoomailproxy", "yahoocachesystem")),
    ("Outlook's image proxy", ("outlookimageproxy",)),
    ("DuckDuckGo's email protection", ("duckduckgo email",)),
)

# Exactly this and nothing more: proxies that fetch the images of every mail beforehand.
PREFETCHING_PROXIES: Final[dict[str, str]] = {
    "Mozilla/5.0": "Apple's mail privacy protection",
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) "
    "Chrome/42.0.2311.135 Safari/537.36 Edge/12.246 Mozilla/5.0": "Gmail's prefetching",
}
