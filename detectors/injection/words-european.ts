import type { Words } from './meanings.ts'

/**
 * Spanish, French, German, Italian, Portuguese, Dutch, Polish, Turkish: what agents are told to do. What overrides and
 * names instructions is borrowed from prompt extraction.
 */
export const SPANISH: Words = {
  agent: 'asistente, inteligencia artificial, modelo de lenguaje, agente, chatbot',
  outward:
    'envia, envie, enviar, envialo, envialos, reenvia, reenvie, reenviar, transfiere, transfiera, transferir, comparte, comparta, compartir, publica, publique, publicar, sube, suba, subir, paga, pague, pagar, manda, mande, mandar, notifica',
  destroy:
    'elimina, elimine, eliminar, borra, borre, borrar, cancela, cancele, cancelar, desactiva, desactive, desactivar, desbloquea, desbloquee, revoca, quita',
  change:
    'crea, cree, crear, programa, programe, reserva, reserve, reservar, actualiza, actualice, actualizar, modifica, modifique, cambia, cambie, cambiar, compra, compre, comprar, ejecuta, ejecute, ejecutar, haz clic, haga clic, visita, visite, descarga, descargue, instala, instale, sigue este enlace, anade, agrega, utiliza, sigue',
  fetch:
    'recupera, recupere, recuperar, obten, obtenga, obtener, busca, busque, lee, lea, consulta, consulte, recopila, recopile, proporciona, proporcione, imprime, imprimelos',
  say: 'di, diga, decir, declara, declare, responde, responda, responder, menciona, mencione, incluye, incluya, recomienda, recomiende, indica, indique, afirma, imprimir, imprima, imprime, anuncia',
  compose: 'resume, explica, escribe, traduce, redacta',
  authority:
    'mensaje del sistema, aviso del sistema, administrador, desarrollador, equipo de seguridad, autorizado, mensaje importante',
  urgent: 'importante, urgente, inmediatamente, de inmediato, obligatorio, atencion, ahora mismo, cuanto antes',
  sequence: 'antes de, primero, despues, luego, en lugar de, en su lugar, en cambio, a continuacion',
  secret:
    'datos personales, tarjeta de credito, cuenta bancaria, credenciales, datos de los empleados, informacion personal, claves, clave de api, informe completo',
  tool: 'herramienta, funcion, api',
  secrecy:
    'sin informar, sin avisar, no informes, no menciones, no le digas, no digas, en secreto, en silencio, sin mencionar',
  user: 'el usuario, al usuario, del usuario',
  please: 'por favor, podrias, puedes, quiero que',
  must: 'debes, debe, tienes que, tiene que, asegurate, se te ha instruido, se le ha instruido, necesito que',
  renew:
    'nuevas instrucciones, nueva instruccion, a partir de ahora, ahora eres, nueva tarea, siguientes instrucciones, las siguientes instrucciones, siguiente tarea',
  my: 'mi, mis, yo',
  goods:
    'dinero, cuenta, correo, correo electronico, archivo, archivos, enlace, documento, mensaje, mensajes, pago, factura',
  reply: 'tu respuesta, su respuesta, el resumen, la respuesta, en el resumen',
  mode: 'modo desarrollador, modo de desarrollador, modo de seguridad, simulacion, imagina que',
  todo: 'tarea pendiente, accion requerida, nota para',
  greeting: 'hola, estimado, estimada, saludos, gracias, atentamente, un abrazo',
}
export const FRENCH: Words = {
  agent: 'assistant, intelligence artificielle, modele de langage, agent, chatbot',
  outward:
    'envoie, envoyez, envoyer, transfere, transferez, transferer, transmets, transmettez, transmettre, partage, partagez, publie, publiez, publier, paye, payez, payer, telecharge sur, poste',
  destroy:
    'supprime, supprimez, supprimer, efface, effacez, effacer, annule, annulez, annuler, desactive, desactivez, deverrouille, deverrouillez, revoque',
  change:
    'cree, creez, creer, planifie, planifiez, reserve, reservez, reserver, mets a jour, mettez a jour, modifie, modifiez, modifier, change, changez, achete, achetez, acheter, execute, executez, executer, clique, cliquez, visite, visitez, installe, installez, suivez ce lien, ajoute, ajoutez, utilise, utilisez',
  fetch:
    'recupere, recuperez, recuperer, obtiens, obtenez, cherche, cherchez, recherche, recherchez, lis, lisez, consulte, consultez, fournis, fournissez, trouve, trouvez',
  say: 'dis, dites, declare, declarez, declarer, reponds, repondez, repondre, mentionne, mentionnez, inclus, incluez, recommande, recommandez, indique, indiquez, affirme, imprime, imprimez, affiche, affichez',
  compose: 'resume, resumez, explique, expliquez, ecris, ecrivez, traduis, traduisez, redige, redigez',
  authority:
    'message du systeme, message systeme, administrateur, developpeur, equipe de securite, autorise, message important',
  urgent: 'important, urgent, immediatement, tout de suite, obligatoire, attention, sans delai',
  sequence: "avant de, d'abord, ensuite, puis, au lieu de, a la place, plutot",
  secret:
    'donnees personnelles, carte de credit, carte bancaire, compte bancaire, identifiants, informations personnelles, cle api',
  tool: 'outil, fonction, api',
  secrecy:
    "sans informer, sans prevenir, n'informe pas, n'informez pas, ne mentionne pas, ne mentionnez pas, ne dis pas, ne dites pas, en secret, silencieusement, sans mentionner",
  user: "l'utilisateur, utilisateur",
  please: "s'il vous plait, s'il te plait, veuillez, pouvez vous, peux tu, merci de, je veux que",
  must: 'tu dois, vous devez, assure toi, assurez vous, il faut',
  renew:
    'nouvelles instructions, nouvelle instruction, desormais, a partir de maintenant, tu es maintenant, vous etes maintenant, nouvelle tache, instructions suivantes, tache suivante',
  my: 'mon, ma, mes, moi',
  goods: 'argent, compte, courriel, fichier, fichiers, lien, document, message, messages, paiement, facture, virement',
  reply: 'ta reponse, votre reponse, le resume, la reponse',
  mode: 'mode developpeur, mode debogage, simulation, imagine que',
  todo: 'a faire, action requise, note pour',
  greeting: 'bonjour, cher, chere, cordialement, merci, bien a vous',
}
export const GERMAN: Words = {
  agent: 'assistent, kunstliche intelligenz, sprachmodell, agent, chatbot, ki assistent, ki modell',
  outward:
    'sende, senden sie, senden, schicke, schick, schicken sie, leite, leiten sie, weiterleiten, uberweise, uberweisen sie, uberweisen, teile, teilen sie, veroffentliche, veroffentlichen sie, lade, hochladen, zahle, zahlen sie, bezahle, ubermittle, ubermitteln',
  destroy:
    'losche, losch, loschen sie, loschen, entferne, entfernen sie, storniere, stornieren sie, kundige, deaktiviere, deaktivieren sie, entsperre, entsperren sie, widerrufe',
  change:
    'erstelle, erstellen sie, planen sie, buche, buchen sie, buchen, reserviere, reservieren sie, aktualisiere, aktualisieren sie, andern sie, kaufe, kaufen sie, fuhre, fuhren sie, ausfuhren, klicke, klicken sie, besuche, besuchen sie, installiere, installieren sie, herunterladen, folge, folgen sie, benutze, verwende, verwenden sie, nutze, fuge, fugen sie',
  fetch:
    'rufe, rufen sie, abrufen, hole, holen sie, suche, suchen sie, finde, finden sie, lies, lesen sie, prufe, prufen sie, sammle, ermittle',
  say: 'sage, sag, sagen sie, erklare, antworte, antworten sie, erwahne, erwahnen sie, empfiehl, empfehlen sie, gib, geben sie, nenne, nennen sie, behaupte, drucke, drucken sie, melde',
  compose: 'fasse, zusammenfassen, ubersetze, ubersetzen sie, schreibe, schreiben sie, verfasse',
  authority:
    'systemnachricht, systemmeldung, administrator, entwickler, sicherheitsteam, autorisiert, wichtige nachricht',
  urgent: 'wichtig, dringend, sofort, unverzuglich, achtung, zwingend, umgehend',
  sequence: 'bevor du, bevor sie, zuerst, zunachst, danach, dann, stattdessen, anschliessend',
  secret:
    'personliche daten, kreditkarte, kreditkartennummer, bankkonto, kontonummer, zugangsdaten, passwort, passworter, api schlussel, anmeldedaten',
  tool: 'werkzeug, funktion, api',
  secrecy:
    'ohne zu informieren, informiere den nutzer nicht, sage dem nutzer nicht, erwahne nicht, heimlich, unbemerkt, ohne ruckfrage, ohne nachfrage, verschweige',
  user: 'der nutzer, dem nutzer, den nutzer, benutzer, der benutzer, dem benutzer, des nutzers',
  please: 'bitte, konnen sie, kannst du, ich mochte dass',
  must: 'du musst, sie mussen, du sollst, sie sollen, stelle sicher, stellen sie sicher',
  renew:
    'neue anweisung, neue anweisungen, ab jetzt, ab sofort, du bist jetzt, sie sind jetzt, neue aufgabe, folgende anweisungen, folgende aufgabe, folgenden anweisungen',
  my: 'mein, meine, meinen, meiner, mich, mir, ich',
  goods:
    'geld, konto, datei, dateien, dokument, nachricht, nachrichten, zahlung, rechnung, postfach, verknupfung, webseite',
  reply: 'deine antwort, deiner antwort, ihre antwort, ihrer antwort, die zusammenfassung',
  mode: 'entwicklermodus, debug modus, wartungsmodus, simulation, stell dir vor',
  todo: 'zu erledigen, aufgabe, hinweis an',
  greeting: 'hallo, sehr geehrte, sehr geehrter, liebe, lieber, viele grusse, mit freundlichen grussen, danke',
}
export const ITALIAN: Words = {
  agent: 'assistente, intelligenza artificiale, modello linguistico, agente, chatbot',
  outward:
    'invia, invii, inviare, inoltra, inoltrare, trasferisci, trasferire, condividi, condividere, pubblica, pubblicare, paga, pagare, carica, spedisci, manda, mandare',
  destroy:
    'elimina, eliminare, cancella, cancellare, annulla, annullare, disattiva, disattivare, sblocca, rimuovi, rimuovere, revoca',
  change:
    'crea, creare, pianifica, prenota, prenotare, aggiorna, aggiornare, modifica, modificare, cambia, compra, acquista, esegui, eseguire, fai clic, clicca, visita, scarica, installa, segui, aggiungi, utilizza',
  fetch: 'recupera, recuperare, ottieni, cerca, cercare, leggi, leggere, controlla, fornisci, raccogli, trova',
  say: 'dichiara, dichiarare, rispondi, rispondere, menziona, includi, raccomanda, consiglia, indica, afferma, stampa, stampare, annuncia',
  compose: 'riassumi, spiega, scrivi, traduci, redigi',
  authority:
    'messaggio di sistema, messaggio del sistema, amministratore, sviluppatore, autorizzato, messaggio importante',
  urgent: 'importante, urgente, immediatamente, subito, obbligatorio, attenzione',
  sequence: 'prima di, prima, poi, invece, al posto di, dopo, successivamente',
  secret: 'dati personali, carta di credito, conto bancario, credenziali, informazioni personali, chiave api',
  tool: 'strumento, funzione, api',
  secrecy: 'senza informare, senza avvisare, non dire, non menzionare, in segreto, silenziosamente, senza menzionare',
  user: "l'utente, utente, all'utente",
  please: 'per favore, per piacere, puoi, potresti, voglio che',
  must: 'devi, deve, assicurati, e necessario',
  renew: 'nuove istruzioni, nuova istruzione, da ora in poi, ora sei, nuovo compito, seguenti istruzioni',
  my: 'mio, mia, miei, mie, io',
  goods: 'denaro, soldi, conto, file, collegamento, documento, messaggio, messaggi, pagamento, fattura',
  reply: 'la tua risposta, tua risposta, il riassunto, la risposta',
  mode: 'modalita sviluppatore, modalita di sicurezza, simulazione, immagina che',
  greeting: 'ciao, gentile, cordiali saluti, grazie, buongiorno, caro, cara',
}
export const PORTUGUESE: Words = {
  agent: 'assistente, inteligencia artificial, modelo de linguagem, agente, chatbot',
  outward:
    'envie, enviar, envia, encaminhe, encaminhar, transfira, transferir, compartilhe, compartilhar, publique, publicar, pague, pagar, mande, mandar, carregue',
  destroy:
    'exclua, excluir, apague, apagar, delete, cancele, cancelar, desative, desativar, desbloqueie, remova, remover, elimine, revogue',
  change:
    'crie, criar, agende, agendar, reserve, reservar, atualize, atualizar, modifique, modificar, altere, mude, compre, comprar, execute, executar, clique, visite, baixe, instale, siga, adicione, use, utilize',
  fetch: 'recupere, recuperar, obtenha, obter, busque, procure, leia, consulte, forneca, colete, encontre',
  say: 'diga, declare, declarar, responda, responder, mencione, inclua, recomende, indique, afirme, imprima, imprimir, anuncie',
  compose: 'resuma, explique, escreva, traduza, redija',
  authority: 'mensagem do sistema, administrador, desenvolvedor, autorizado, mensagem importante',
  urgent: 'importante, urgente, imediatamente, obrigatorio, atencao, agora mesmo',
  sequence: 'antes de, primeiro, depois, em vez de, em seguida, ao inves de',
  secret:
    'dados pessoais, cartao de credito, conta bancaria, credenciais, informacoes pessoais, senha, senhas, chave de api',
  tool: 'ferramenta, funcao, api',
  secrecy: 'sem informar, sem avisar, nao informe, nao mencione, nao diga, em segredo, silenciosamente, sem mencionar',
  user: 'o usuario, ao usuario, do usuario, utilizador',
  please: 'por favor, voce pode, poderia, quero que',
  must: 'voce deve, deve, certifique se, precisa',
  renew: 'novas instrucoes, nova instrucao, a partir de agora, agora voce e, nova tarefa, seguintes instrucoes',
  my: 'meu, minha, meus, minhas, eu',
  goods: 'dinheiro, conta, arquivo, arquivos, documento, mensagem, mensagens, pagamento, fatura',
  reply: 'sua resposta, o resumo, a resposta',
  mode: 'modo desenvolvedor, modo de seguranca, simulacao, imagine que',
  greeting: 'ola, prezado, prezada, atenciosamente, obrigado, obrigada, abracos, bom dia',
}
export const DUTCH: Words = {
  agent: 'assistent, kunstmatige intelligentie, taalmodel, chatbot',
  outward: 'stuur, verzend, verstuur, verstuurt, doorsturen, maak over, overmaken, deel, upload, publiceer, betaal',
  destroy: 'verwijder, wis, annuleer, schakel uit, ontgrendel',
  change: 'boek, reserveer, wijzig, koop, voer uit, klik, bezoek, installeer, gebruik, voeg toe',
  fetch: 'haal op, zoek, vind, lees, controleer, verzamel',
  say: 'zeg, antwoord, vermeld, noem, druk af',
  authority: 'systeembericht, beheerder, ontwikkelaar, geautoriseerd',
  urgent: 'belangrijk, dringend, onmiddellijk, verplicht',
  sequence: 'voordat je, voordat u, eerst, daarna, vervolgens, in plaats daarvan',
  secrecy: 'zonder te informeren, vertel de gebruiker niet, zonder te vragen, stiekem',
  user: 'de gebruiker',
  please: 'alstublieft, alsjeblieft, kun je, kunt u',
  must: 'je moet, u moet, zorg ervoor',
  renew: 'nieuwe instructies, vanaf nu, je bent nu, nieuwe taak, volgende instructies',
  my: 'mijn, mij',
  goods: 'geld, rekening, bestand, bestanden, bericht, berichten, betaling',
  greeting: 'hallo, beste, groeten, bedankt, met vriendelijke groet',
}
export const POLISH: Words = {
  agent: 'asystent*, sztuczna inteligencja, model jezykowy, chatbot',
  outward: 'wyslij, przeslij, przekaz, przelej, udostepnij, opublikuj, zaplac',
  destroy: 'usun, skasuj, anuluj, wylacz, odblokuj',
  change:
    'utworz, zaplanuj, zarezerwuj, zaktualizuj, zmien, kup, wykonaj, kliknij, odwiedz, zainstaluj, pobierz, uzyj, dodaj',
  fetch: 'znajdz, odczytaj, sprawdz, wyszukaj, zbierz',
  say: 'powiedz, odpowiedz, wspomnij, polec, oswiadcz',
  authority: 'komunikat systemowy, administrator*, programista',
  urgent: 'wazne, pilne, natychmiast, niezwlocznie, uwaga',
  sequence: 'zanim, najpierw, nastepnie, zamiast tego, potem',
  secrecy: 'nie informuj, nie wspominaj, bez informowania, potajemnie',
  user: 'uzytkownik*',
  please: 'prosze, czy mozesz',
  must: 'musisz, nalezy, upewnij sie',
  renew: 'nowe instrukcje, od teraz, jestes teraz, nowe zadanie, nastepujace instrukcje',
  my: 'moje, mojego, moj, moja',
  goods: 'pieniadze, konto, plik, pliki, dokument, wiadomosc, wiadomosci, platnosc, faktura',
  greeting: 'czesc, witam, pozdrawiam, dziekuje, szanowny, szanowna, dzien dobry',
}
export const TURKISH: Words = {
  agent: 'asistan*, yapay zeka, dil modeli, chatbot',
  'outward+must': 'gonder, gonderin, ilet, iletin, transfer et, paylas, paylasin, yayinla, yukle, odeyin',
  'destroy+must': 'silin, iptal et, iptal edin, devre disi birak, kilidini ac, kaldir',
  'change+must':
    'olustur, olusturun, planla, rezerve et, guncelle, guncelleyin, degistir, degistirin, satin al, calistir, calistirin, tikla, tiklayin, ziyaret et, indir, kullan, ekle',
  'fetch+must': 'getir, ara, oku, kontrol et, topla',
  'say+must': 'soyle, soyleyin, belirt, belirtin, yanitla, cevapla, beyan et, yazdir, yazdirin',
  authority: 'sistem mesaji, yonetici*, gelistirici*, yetkili',
  urgent: 'onemli, acil, hemen, derhal, zorunlu, dikkat',
  sequence: 'sonra, ardindan, bunun yerine',
  secrecy: 'bilgi vermeden, soyleme, bahsetme, gizlice, haber vermeden',
  user: 'kullanici*',
  please: 'lutfen',
  must: 'gerekir, zorundasin, emin ol',
  renew: 'yeni talimat*, bundan sonra, artik sen, yeni gorev, asagidaki talimat*',
  my: 'benim, bana',
  goods: 'hesap, hesab*, dosya*, belge*, mesaj*, odeme, fatura, baglanti*',
  greeting: 'merhaba, sayin, saygilarimla, tesekkurler',
}
