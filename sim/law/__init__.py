"""Law as dated data: parameters with citation, unit and dates, and a typed view of one pack on one day."""

from sim.law.pack import Pack, Parameter, Value, load_pack, load_rates, pack_names
from sim.law.rules import Rules
from sim.law.vocabulary import Term, vocabulary

__all__ = ["Pack", "Parameter", "Rules", "Term", "Value", "load_pack", "load_rates", "pack_names", "vocabulary"]
