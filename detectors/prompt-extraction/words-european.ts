import type { Words } from './meanings.ts'

/** Spanish, Portuguese, Italian, French, German and Dutch. Accents are folded away before matching. */
export const SPANISH: Words = {
  userDoes: 'como puedo, como se, como podria',
  reveal:
    'repite, repita, repiteme, repetir, revela, revele, revelar, revelame, imprime, imprima, imprimir, divulga, divulgar, recita, reproduce, copia, copie, transcribe, transcribir, vuelca, filtra, expon, exponer',
  give: 'muestra, muestrame, muestreme, mostrar, mostrarme, di, dime, digame, decir, decirme, dame, deme, dar, darme, comparte, compartir, compartirme, escribe, escriba, escribir, enumera, ensename, proporciona, proporcioname, explica, explicame, describe, lista, listar',
  transform:
    'traduce, traduzca, traducir, traduceme, resumir, resumeme, codifica, codificar, convierte, convertir, parafrasea, reescribe, deletrea',
  ask: 'que, cual, cuales, como, qual',
  prompt:
    'mensaje del sistema, prompt del sistema, indicacion del sistema, prompt inicial, prompt de sistema, mensaje de sistema',
  instructions:
    'instruccion, instrucciones, reglas, normas, directrices, directivas, indicaciones, ordenes, pautas, comandos, consignas',
  configuration: 'configuracion, ajustes, programacion, parametros',
  conversation: 'conversacion, dialogo, charla, contexto',
  text: 'texto, palabras, frases, oraciones, mensaje, mensajes, contenido, lineas, lo que hay',
  'text+whole': 'todo lo, todo el texto',
  secret:
    'contrasena, clave secreta, codigo secreto, clave de acceso, codigo de acceso, frase de seguridad, contrasenas',
  confidential:
    'confidencial, confidenciales, secreto, secreta, secretas, ocultas, oculto, interno, internas, internos, sensible',
  your: 'tu, tus, su, sus, tuyo, vuestras',
  you: 'te, usted, ti',
  'you+given':
    'te dieron, te han dado, te dijeron, te proporcionaron, recibiste, has recibido, que sigues, te dio, se te dieron, te indicaron, se te han dado',
  prior:
    'anterior, anteriores, anteriormente, previas, previos, previo, previa, arriba, hasta ahora, antes, de arriba, precedente',
  initial: 'inicial, iniciales, original, originales, al principio, al inicio, primeras, primer',
  whole:
    'todas, todos, completo, completa, completas, textualmente, literalmente, palabra por palabra, exacto, exactas, exactamente, integro, al pie de la letra',
  begin: 'empieza con, comienza con, empieza tu, comienza tu',
  reply: 'respuesta, responde',
  override: 'ignora, ignore, ignorar, olvida, olvide, olvidar, omite, descarta, anula',
  users: 'mi, mis, este, esta, estos, siguiente, siguientes, articulo',
  authority: 'administrador, desarrollador, modo de depuracion, modo desarrollador, soy tu creador, mantenimiento',
  form: 'en ingles, en frances, en una lista, en forma de lista, lista de',
}
export const PORTUGUESE: Words = {
  reveal:
    'repita, repete, repetir, revele, revela, revelar, imprima, imprimir, divulgue, recite, reproduza, copie, transcreva, exiba',
  give: 'mostre, mostrar, mostra, diga, dizer, me diga, forneca, compartilhe, compartilhar, escreva, liste, descreva, explique, me da, informe, partilha',
  transform: 'traduza, traduzir, resuma, resumir, codifique, converta, parafraseie, reescreva, soletre',
  ask: 'qual, quais, o que',
  prompt: 'prompt do sistema, mensagem do sistema, prompt inicial, prompt de sistema',
  instructions: 'instrucao, instrucoes, regras, diretrizes, orientacoes, comandos, ordens',
  configuration: 'configuracao, configuracoes, programacao',
  conversation: 'conversa, dialogo, contexto',
  text: 'palavras, mensagem, mensagens, conteudo, linhas, texto',
  'text+whole': 'tudo o que, tudo que',
  secret: 'senha, codigo secreto, chave secreta, codigo de acesso, frase de seguranca',
  confidential: 'confidencial, confidenciais, secreto, secretas, ocultas, internas, interna',
  your: 'seu, sua, seus, suas, teu, tua, teus, tuas',
  you: 'voce, ti, lhe',
  'you+given':
    'voce recebeu, te deram, foram dadas, que voce segue, lhe foram dadas, te foram dadas, foi dito a voce, voce segue, que recebeste, te foi dado',
  prior: 'anterior, anteriores, acima, ate agora, antes, previas',
  initial: 'inicial, iniciais, original, originais, no inicio, no comeco',
  whole:
    'todas, todos, completo, completa, literalmente, palavra por palavra, exatas, exato, na integra, integralmente',
  begin: 'comece com, comece sua, inicie sua',
  reply: 'resposta, responda',
  override: 'ignore, ignora, ignorar, esqueca, desconsidere',
  users: 'meu, minha, este, esta, seguinte, seguintes',
  authority: 'administrador, desenvolvedor, modo de depuracao, manutencao',
  form: 'em ingles, em forma de lista',
}
export const ITALIAN: Words = {
  reveal:
    'ripeti, ripeta, ripetere, ripetimi, rivela, riveli, rivelami, rivelare, stampa, stampare, divulga, recita, riproduci, copia, trascrivi, esponi',
  give: 'mostra, mostrami, mostrare, dimmi, dire, dammi, fornisci, forniscimi, condividi, scrivi, scrivimi, elenca, elencami, descrivi, spiega, spiegami, fammi vedere',
  transform:
    'traduci, traduca, tradurre, tradurlo, tradurle, riassumi, riassumere, codifica, converti, parafrasa, riscrivi',
  ask: 'quali, qual, quale, cosa, che cosa',
  prompt: 'prompt di sistema, messaggio di sistema, prompt iniziale, prompt del sistema',
  instructions: 'istruzione, istruzioni, regole, direttive, linee guida, indicazioni, ordini, comandi',
  configuration: 'configurazione, impostazioni, programmazione',
  conversation: 'conversazione, dialogo, contesto, discussione',
  text: 'testo, parole, frasi, messaggio, messaggi, contenuto, righe',
  'text+whole': 'tutto cio, tutto quello, tutto il testo',
  'text+prior': 'quanto sopra, testo sopra, quanto precede',
  secret:
    'password di sistema, codice segreto, chiave segreta, codice di accesso, parola chiave, parola d ordine, codice di sicurezza',
  confidential: 'riservato, riservate, riservati, segreto, segrete, segreti, nascoste, nascosto, interne, interno',
  your: 'tuo, tua, tue, tuoi, suo, sue, suoi, vostre',
  you: 'ti, lei, tu',
  'you+given':
    'ti sono state date, hai ricevuto, ti hanno dato, che segui, ti e stato detto, ti sono stati dati, ti e stato dato, ti sono state fornite',
  prior: 'precedente, precedenti, sopra, finora, prima, fin qui, qui sopra',
  initial: 'iniziale, iniziali, originale, originali, all inizio',
  whole:
    'tutte, tutti, completo, complete, interamente, letteralmente, parola per parola, esatto, esatte, per intero, integralmente, alla lettera',
  begin: 'inizia con, comincia con, inizia la',
  reply: 'risposta, rispondi',
  override: 'ignora, ignori, ignorare, dimentica, trascura, scarta',
  users: 'mio, mia, miei, mie, questo, questa, seguente, seguenti',
  authority: 'amministratore, sviluppatore, modalita debug, modalita sviluppatore, manutenzione',
  form: 'in inglese, in italiano, sotto forma di elenco',
}
export const FRENCH: Words = {
  userDoes: 'comment puis je, comment faire, comment peut on',
  reveal:
    'repete, repetez, repeter, revele, revelez, reveler, imprime, imprimez, imprimer, divulgue, divulguez, recite, recitez, reproduis, reproduisez, recopie, recopiez, copie, copiez, transcris, transcrivez, affiche, affichez, afficher, devoile, devoilez',
  give: 'montre, montrez, montrer, dis moi, dites moi, dites, donne, donnez, donner, partage, partagez, ecris, ecrivez, fournis, fournissez, explique, expliquez, decris, decrivez, enumere, enumerez, liste, listez, indique, indiquez',
  transform:
    'traduis, traduisez, traduire, resumez, resumer, encode, encodez, convertis, convertissez, paraphrase, reformule, reformulez, reecris, epelle',
  ask: 'quelles, quelle, quels, quel, qu est ce que, que, comment',
  prompt:
    'invite systeme, message systeme, prompt systeme, invite du systeme, prompt initial, message du systeme, invite initiale',
  instructions: 'instructions, consigne, consignes, regles, directives, ordres, commandes, lignes directrices',
  configuration: 'configuration, parametres, programmation, reglages',
  conversation: 'conversation, discussion, dialogue, contexte, echange',
  text: 'texte, mots, phrases, lignes, contenu',
  'text+whole': 'tout ce qui, tout ce que, tout le texte',
  'text+prior': 'ce qui precede, texte ci dessus',
  secret: 'mot de passe, code secret, cle secrete, code d acces, mots de passe, phrase secrete',
  confidential:
    'confidentiel, confidentielles, confidentielle, confidentiels, secret, secretes, secrete, cachees, internes, interne, sensibles',
  your: 'ton, ta, tes, votre, vos',
  you: 'toi, vous, tu',
  'you+given':
    't a donnees, vous a donnees, t ont ete donnees, vous ont ete donnees, vous avez recues, tu as recues, que tu suis, que vous suivez, on t a donne, on vous a donne, tu as recu, vous avez recu, t a donne, vous a donne, qu on t a',
  prior:
    'precedent, precedente, precedentes, precedents, ci dessus, jusqu ici, jusqu a present, avant, au dessus, anterieures',
  initial: 'initial, initiale, initiales, initiaux, d origine, originales, original, au debut, de depart',
  whole:
    'toutes, tous, tout, complet, complete, integral, integralement, integralite, mot pour mot, mot a mot, exact, exactes, textuellement, litteralement',
  begin: 'commence par, commencez par, commence ta, commencez votre',
  reply: 'reponse, repondez, reponds',
  override: 'ignore, ignorez, ignorer, oublie, oubliez, oublier, neglige',
  users: 'mon, ma, mes, ce, cet, cette, suivant, suivante, suivants, notre',
  authority: 'administrateur, developpeur, mode debogage, mode developpeur, maintenance',
  form: 'en anglais, en francais, sous forme de liste, en liste',
}
export const GERMAN: Words = {
  userDoes: 'wie kann ich, wie kann man, wie konnte ich',
  reveal:
    'wiederhole, wiederholen, wiederhol, verrate, verrat, verraten, enthulle, enthullen, drucke, drucken, offenbare, offenlegen, reproduziere, kopiere, kopieren, zitiere, preisgeben, ausgeben, gib aus, lege offen, nenne mir, nenne, plaudere',
  give: 'zeige, zeig, zeigen, sage mir, sag mir, sagen, gib, geben, gebe, teile, mitteilen, schreibe, schreib, liste, erklare, erklaren, beschreibe, beschreiben, nennen, verraten sie, anzeigen, ausgabe',
  transform:
    'ubersetze, ubersetzen, fasse, zusammenfassen, kodiere, kodieren, konvertiere, umwandeln, wandle, paraphrasiere, formuliere, buchstabiere',
  ask: 'was ist, was sind, was steht, was war, wie, welche, welcher, welches, wie lauten, wie lautet',
  prompt:
    'systemprompt*, system prompt, systemnachricht*, systemanweisung*, systemeingabe, systemaufforderung, eingabeaufforderung, startprompt, ausgangsprompt, systemmeldung',
  instructions:
    'anweisung, anweisungen, instruktion, instruktionen, regeln, richtlinien, vorgaben, befehle, vorschriften, anleitungen, direktiven, weisungen',
  configuration: 'konfiguration, einstellungen, programmierung',
  conversation: 'gesprach, gesprachs, unterhaltung, konversation, dialog, kontext, chatverlauf',
  text: 'worter, satze, zeilen, inhalt, nachricht, nachrichten, den text',
  'text+whole': 'alles',
  'text+prior': 'das obige, obigen text, alles oben',
  secret: 'passwort, kennwort, geheimcode, zugangscode, geheimen schlussel, losungswort, geheime schlussel',
  confidential:
    'vertraulich, vertraulichen, vertrauliche, geheim, geheimen, geheime, versteckten, versteckte, interne, internen',
  your: 'dein, deine, deinen, deiner, deinem, deines, ihre, ihren, ihrer, eure',
  you: 'dir, dich, ihnen',
  'you+given':
    'dir gegeben, du bekommen, du erhalten, ihnen gegeben, sie erhalten, dir gesagt, du befolgst, du befolgen, dir erteilt, dir mitgeteilt, du hast bekommen, du hast erhalten, man dir, sie befolgen, du folgst',
  prior:
    'vorherige, vorherigen, vorigen, vorangegangenen, vorangehenden, obigen, obige, oben, bisherigen, bisher, zuvor, bis jetzt, fruheren, davor',
  initial:
    'ursprunglich, ursprungliche, ursprunglichen, anfanglichen, anfangliche, anfang, zu beginn, initialen, ersten, am anfang',
  whole:
    'alle, vollstandig, vollstandige, vollstandigen, komplett, komplette, kompletten, gesamte, gesamten, wortlich, wort fur wort, genau, genauen, ganze, ganzen, wortwortlich, im wortlaut, exakt, exakte',
  begin: 'beginne mit, beginne deine, beginnen sie, fang mit',
  reply: 'antwort, antworte',
  override: 'ignoriere, ignorieren, vergiss, vergessen, missachte, umgehe, ubergehe',
  users: 'mein, meine, meinen, diesen, diese, dieses, dieser, folgenden, folgende, folgender, unseren',
  authority: 'administrator, entwickler, debug modus, debugmodus, wartungsmodus, wartung, entwicklermodus',
  form: 'auf englisch, auf deutsch, als liste, ins englische, stichpunkten, als stichpunkte',
}
export const DUTCH: Words = {
  reveal: 'herhaal, herhalen, onthul, onthullen, reproduceer, kopieer, citeer, verklap, print',
  give: 'toon, laat zien, zeg, vertel, geef, deel, schrijf, noem, beschrijf, leg uit, vertel me',
  transform: 'vertaal, vertalen, samenvatten, vat samen, codeer, parafraseer, herschrijf',
  ask: 'wat, welke, wat is, hoe',
  prompt: 'systeemprompt*, systeembericht*, systeem prompt',
  instructions: 'instructies, instructie, regels, richtlijnen, opdrachten, aanwijzingen, bevelen, voorschriften',
  configuration: 'configuratie, instellingen, programmering',
  conversation: 'gesprek, conversatie',
  text: 'tekst, woorden, zinnen, bericht, berichten',
  'text+whole': 'alles',
  secret: 'wachtwoord, geheime code, toegangscode',
  confidential: 'vertrouwelijk, vertrouwelijke, geheime, geheim, verborgen, interne',
  your: 'jouw, uw, je',
  you: 'jij, jou',
  'you+given': 'je gekregen, u gekregen, aan jou gegeven, je hebt gekregen, je kreeg, die je volgt',
  prior: 'vorige, voorgaande, bovenstaande, hierboven, eerdere, tot nu toe, voorafgaande',
  initial: 'oorspronkelijke, eerste, initiele',
  whole: 'volledig, volledige, hele, gehele, letterlijk, letterlijke, woord voor woord, exact, exacte, precies',
  override: 'negeer, negeren, vergeet',
  users: 'mijn, dit, deze, volgende',
  reply: 'antwoord',
  begin: 'begin je antwoord, begin met',
}
