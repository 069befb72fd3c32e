"""How good a trained classifier is: functions on logits and labels, and a report of them, however it was trained."""

from dogo_tf.assessment.calibration import Reliability, expected_calibration_error, fit_temperature, reliability
from dogo_tf.assessment.confusion import ClassScore, class_scores, confusion_matrix, top_confusions
from dogo_tf.assessment.learning_curve import LearningCurve, Outlook, learning_curve
from dogo_tf.assessment.mistakes import worst_mistakes
from dogo_tf.assessment.report import Assessment, write_report

__all__ = [
    "Assessment",
    "ClassScore",
    "LearningCurve",
    "Outlook",
    "Reliability",
    "class_scores",
    "confusion_matrix",
    "expected_calibration_error",
    "fit_temperature",
    "learning_curve",
    "reliability",
    "top_confusions",
    "worst_mistakes",
    "write_report",
]
