"""Examples of what an agent can do, around one idea: it plans something with the user.

- `search.py`: a tool that looks something up, and shows how far it is
- `questions.py`: a form that the user fills in
- `checklist.py`: a widget with boxes to tick and a button
- `clock.py`: a tool that the page carries out

Nothing else depends on this folder.
"""

from app.features import Feature
from app.features.examples.checklist import finish, show_checklist, tick
from app.features.examples.clock import get_local_time
from app.features.examples.questions import ask_user
from app.features.examples.search import search_conversations

FEATURE = Feature(
    tools=[search_conversations],
    widgets=[show_checklist],
    questions=[ask_user, get_local_time],
    actions={"checklist.tick": tick, "checklist.finish": finish},
)
