"""A partner's form as a spreadsheet: the template out, the filled file in."""

from bot.sheet.reading import SheetErrors, read_sheet
from bot.sheet.template import sheet_name, template
from bot.sheet.way_in import FormSheets

__all__ = ["FormSheets", "SheetErrors", "read_sheet", "sheet_name", "template"]
