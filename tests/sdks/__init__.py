"""Small programs that send by the real SDKs, and what installs those."""
