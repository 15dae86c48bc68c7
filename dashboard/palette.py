"""The colours of every window, and how Streamlit is told about them. It imports nothing."""

INK = "#1d2939"
MUTED = "#52606d"  # 6.4:1 on white
FAINT = "#e4e7ec"
PAPER = "#ffffff"
MIST = "#f6f7f9"
BRAND = "#14606b"  # a deep teal; white on it reads at 7:1
BRAND_SOFT = "#e3f1f2"
GOOD = "#1f7a4d"
GOOD_SOFT = "#e3f4ea"
WARN = "#8a5a00"
WARN_SOFT = "#fdf2d9"
BAD = "#b42318"
BAD_SOFT = "#fdeceb"

CHANNELS = {
    "email": "#3b6fb6",
    "sms": "#14808d",
    "mms": "#3f9a8f",
    "whatsapp": "#4c9a54",
    "rcs": "#7a9a2f",
    "chat": "#c9792b",
    "web": "#8d6bb0",
    "order": "#5b6675",
    "shop": "#5b6675",
    "parcel": "#7a5a3a",
    "profile": "#8a8f98",
    "other": "#858e9c",
}
CATEGORIES = ("#14606b", "#c9792b", "#3b6fb6", "#8d6bb0", "#4c9a54", "#b3475f", "#5b6675", "#a58a2b")
FONT = "'Segoe UI', -apple-system, BlinkMacSystemFont, 'Helvetica Neue', 'Liberation Sans', Arial, sans-serif"

STREAMLIT_OPTIONS: dict[str, str | bool] = {
    "server.headless": True,
    "server.fileWatcherType": "none",
    "browser.gatherUsageStats": False,
    "client.showErrorDetails": "none",
    "client.toolbarMode": "minimal",
    "theme.base": "light",
    "theme.font": FONT,
    "theme.primaryColor": BRAND,
    "theme.backgroundColor": PAPER,
    "theme.secondaryBackgroundColor": MIST,
    "theme.textColor": INK,
    "theme.borderColor": FAINT,
    "theme.linkColor": BRAND,
    "theme.baseRadius": "8px",
    "theme.showWidgetBorder": True,
    "theme.sidebar.backgroundColor": MIST,
}
