"""Coupons: uploaded lists of codes, each drawn once, for one customer, when a message with it is planned."""

from messaging.coupons.drawing import Draw, gone_elsewhere
from messaging.coupons.files import read_codes
from messaging.coupons.giving_back import give_back
from messaging.coupons.lists import CouponList, add, all_lists, require_list

__all__ = [
    "CouponList",
    "Draw",
    "add",
    "all_lists",
    "give_back",
    "gone_elsewhere",
    "read_codes",
    "require_list",
]
