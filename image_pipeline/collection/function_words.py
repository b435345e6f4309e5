"""Function words: words of a query that say nothing of what a photograph shows, in the languages of most queries.

They are left out of the search by words unless a query has no others. They are never left out of a photograph's own
words: The Who and La Paz are found. A word that means a thing in a different language is not listed: German hat and
war, French son, Spanish hay, Dutch door.
"""

_ENGLISH = """
a about above after against all am among an and any are as at be been before behind being below between both but by
can could did do does doing down during each few find for from had has have having he her here him his how i if in
inside into is it its just like me more most my near next no nor not of off on one only onto or other our out outside
over own same she should show so some such than that the their them then there these they this those through to too
under until up upon very was we were what when where which while who whom whose why will with without would you your
"""
_GERMAN = """
aber als am an auf aus bei beim da dann das dass dem den der des dies diese diesem diesen dieser dieses doch dort du
durch ein eine einem einen einer eines er es für gegen hier hinter ich ihr ihre im in ins ist ja kein keine mein meine
mich mit nach neben nicht noch nur ob oder ohne sehr sein seine sich sie sind so über um und uns unser unter vom von
vor waren was wenn wer wie wir wo zu zum zur zwischen
"""
_FRENCH = """
à au aux avec ce ces cet cette chez d dans de derrière des devant du elle en entre est et eux il ils j je l la le les
leur leurs lui ma mais me mes moi mon n ne nos notre nous ou où par pas pour près qu que qui s sa sans se ses si sont
sous ta te tes toi tu un une vers vos votre vous y
"""
_SPANISH = """
a al ante bajo cerca como con contra cuando de del desde detrás donde e el ella en entre era es esa ese eso esta este
esto fue ha hacia hasta junto la las le lo los me mi mis muy no nos o para pero por que se sobre su sus te tu un una
unas uno unos y ya
"""
_ITALIAN = """
a ad agli al alla alle allo anche c chi ci col con cui d da dagli dai dal dalla dalle dallo degli dei del della delle
dello dentro di dietro e ed era fra gli i il in io l la le lei lo loro lui ma me mi mia mio ne negli nei nel nella
nelle nello noi non o per più presso quella quello questa questo se si sono sotto sta su sua sugli sui sul sulla sulle
sullo suo tra tu un una uno vicino
"""
_PORTUGUESE = """
a ao aos as até atrás com como da das de dele dela do dos e ela ele em entre era essa esse esta este eu foi há isso
isto mas me meu minha muito na nas no nos não o os ou para pela pelas pelo pelos perto por que se sem sob sobre sua
seu são um uma umas uns
"""
_DUTCH = """
aan achter al als bij dat de deze dit een en er haar heeft het hij hun ik in is je maar met mijn na naar naast niet
nog of om onder ons onze ook op over te tegen tot tussen uit voor was wat we wij ze zij zijn zonder
"""
_PHOTOGRAPHS = """
bild bilder foto fotos image images photo photograph photographs photos pic pics picture pictures
"""
"""Every result is one."""

FUNCTION_WORDS = frozenset(
    " ".join((_ENGLISH, _GERMAN, _FRENCH, _SPANISH, _ITALIAN, _PORTUGUESE, _DUTCH, _PHOTOGRAPHS)).split()
)
"""In lower case, with their accents."""
