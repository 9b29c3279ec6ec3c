# Español. Como words.en, línea por línea. Se tutea.

language: Español
dir: ltr
date: D de M de Y
months: enero febrero marzo abril mayo junio julio agosto septiembre octubre noviembre diciembre

untitled: una conversación
somebody: alguien
at_once: enseguida
as_site: como el sitio: %s
and_more.one: y %d más
and_more.many: y %d más
and_more.other: y %d más
undo: Deshacer
to_site: Volver a %s

target_thread: la conversación
target_comment: respuestas a un comentario
target_comment_by: respuestas al comentario de %s
target_author: todo lo que escribe
target_replies: respuestas a lo que escribes
target_site: todo lo del sitio

ask_title: Enterarte cuando alguien responde
ask_what: ¿De qué?
ask_thread: comentarios nuevos en esta conversación
ask_comment: respuestas a este comentario
ask_replies: respuestas a mis comentarios
ask_author: todo lo que escribe esta persona
ask_author_named: todo lo que escribe %s
ask_site: cada comentario nuevo en %s
ask_often: ¿Cada cuánto?
ask_email: Tu dirección de correo
ask_trap: Deja esto vacío
ask_button: Suscribirme
ask_hint: Primero te preguntamos por correo. Cada correo trae un enlace para dejarlo.
asked_title: Mira tu correo
asked_text: Si podemos escribir a esta dirección, hay un correo en camino. Te pide tu sí; sin él no llegará nada más.
asked_back: Volver a la página
wrong_email: No podemos escribir a esta dirección. Revísala, por favor.
misbuilt_what: Este formulario no está bien configurado
misbuilt_do: No es culpa tuya y no se ha enviado nada. Por favor, avisa al sitio.
limited_what: Ha sido mucho de golpe
limited_do: Inténtalo de nuevo dentro de unos minutos.

confirm_title: ¿Podemos escribirte?
confirm_intro: %s escribiría a %s cuando haya novedades sobre:
confirm_plain: %s escribiría a %s cuando haya comentarios nuevos.
confirm_button: Sí, escribidme
confirm_not_you: ¿No lo has pedido? Cierra la página sin más. Sin tu sí no llega ningún otro correo.
confirmed_title: Tendrás noticias
confirmed_text: Los correos de %s llegan ahora a %s.
confirmed_how: Cada uno trae un enlace para dejarlos o cambiarlos.
to_manage: Elegir qué recibes y cuándo

leave_title: ¿Dejar de recibir estos correos?
leave_reply: No recibirás más correos sobre:
leave_digest: No recibirás más resúmenes de %s (%s). Tratan de:
leave_button: Dejar de recibirlos
leave_instead: O mejor …
leave_mute: Silenciar solo «%s»
leave_author: No saber más de %s
leave_pause_week: Pausa de una semana
leave_pause_mon: Pausa de un mes
leave_cadence: Recibirlos
leave_change: Cambiar
leave_all: Dejar todo lo de %s
leave_everything: Dejarlo todo, en todos los sitios
left_title: Ya no recibirás estos correos
left_text: No llegarán más. ¿Ha sido un error? Puedes deshacerlo durante 30 días.
left_stays.one: Sigue otra suscripción de %[2]s.
left_stays.many: Siguen otras %d suscripciones de %s.
left_stays.other: Siguen otras %d suscripciones de %s.
nothing_title: No queda nada que dejar
nothing_text: Ya no recibes correos de este tipo.
oneclick_done: Te has dado de baja.
undone: Deshecho. Vuelves a recibir estos correos.
undo_late: Ya no se puede deshacer. Suscríbete de nuevo en el sitio.
paused_until: Pausa hasta el %s. Lo que pase hasta entonces llegará después, en un solo correo.
cadence_set: Cambiado. A partir de ahora llegan %s.
was_muted: Silenciado: %s. No sabrás más de ello.
no_choice: No se ha cambiado nada. Usa uno de los botones, por favor.

mute_thread_title: ¿Silenciar esta conversación?
mute_thread_text: No sabrás más de ella, ni siquiera de las respuestas que te hagan allí. Todo lo demás sigue.
mute_author_title: ¿Silenciar a esta persona?
mute_author_text: No sabrás más de lo que escriba, esté donde esté. Todo lo demás sigue.
mute_button: Silenciar
muted_title: Silenciado
muted_text: Ya no sabes más de ello.
unmute: Volver a oír
unmute_of: Volver a oír: %s %s
unmuted: Ya no está silenciado.

manage_title: Lo que recibes
manage_intro: Correos de %s a %s
manage_intro_all: Correos de varios sitios a %s
manage_subs: Sigues
manage_none: Ahora mismo no sigues nada.
manage_pending: sin confirmar
manage_end: Dejar
manage_end_of: Dejar %s %s
manage_often: Cada cuánto: %s %s
manage_normal: Cada cuánto, normalmente
manage_normal2: Vale donde no hayas elegido otra cosa arriba.
manage_quiet: Horas de descanso
manage_quiet2: Entonces no se envía nada. Deja las dos vacías si no quieres.
manage_from: de
manage_to: a
manage_pause: Pausa hasta
manage_pause2: Lo que pase hasta entonces llega ese día. Vacío: sin pausa.
manage_zone: Tu zona horaria
manage_zone2: Vacío: la del sitio, %s.
manage_clock: Allí son ahora las
manage_here: Usar la zona de este dispositivo
manage_language: Idioma de los correos y las páginas
manage_save: Guardar
manage_muted: Silenciado
manage_all: Dejar todo lo de %s
manage_all2: Ningún correo más, haga lo que haga el sitio. Puedes deshacerlo durante 30 días.
manage_when: Cuándo llega
manage_when_all: Vale para todos estos sitios.
saved: Guardado.
ended_one: Dejado.
ended_all: Todo se ha parado. No llegan más correos.
all_is_ended: Lo has dejado todo.
wrong_zone: Esta zona horaria no se conoce. Elige una de la lista, por ejemplo Europe/Madrid.
wrong_pause: Elige un día a partir de mañana, dentro de un año.
wrong_quiet: Las horas de descanso necesitan un principio y un final.
wrong_other: No se ha podido guardar. Revisa lo que has elegido, por favor.

data_title: Tus datos
data_text: Llévate lo que guardamos sobre ti, o haz que se borre: en todos los sitios, para esta dirección.
data_export: Descargar una copia
data_erase: Borrar mis datos …
data_link: Para una copia de tus datos, o para borrarlos, primero te enviamos un enlace nuevo.
data_send: Enviadme un enlace nuevo
needs_link: Para esto hace falta un enlace que se te haya enviado hace menos de una hora.
link_sent: Un enlace nuevo va en camino a %s. Vale una hora.
erase_title: ¿Borrar tus datos?
erase_text: Entonces olvidamos todo sobre %s en:
erase_what: Lo que sigues, lo que has elegido y qué correos has recibido. No se puede deshacer.
erase_button: Borrarlo todo
erase_keep: Conservarlo
erased_title: Tus datos están borrados
erased_text: No llegan más correos. Puedes suscribirte de nuevo cuando quieras.

link_title: ¿Has perdido tu enlace?
link_text: Te enviamos uno nuevo. Con él ves todo lo que se te envía y puedes cambiarlo.
link_button: Enviadme un enlace
link_asked: Si llegan correos a esta dirección, hay un enlace en camino. Vale una hora.
link_ask: Pedir un enlace nuevo

mail_title: Este correo, tal como está ahora
mail_intro: %s te escribió el %s.
mail_gone.one: Uno de sus comentarios ya no se puede ver.
mail_gone.many: %d de sus comentarios ya no se pueden ver.
mail_gone.other: %d de sus comentarios ya no se pueden ver.
mail_more.one: Otro se contó, sin mostrarse.
mail_more.many: Otros %d se contaron, sin mostrarse.
mail_more.other: Otros %d se contaron, sin mostrarse.
mail_edited: editado
mail_answers: responde a %s
mail_read_on: Seguir leyendo
mail_answer: Responder
mail_why: Lo has recibido porque
why_reply: te responde.
why_subtree: está debajo de un comentario que sigues o que escribiste.
why_thread: sigues la conversación.
why_author: sigues a %s.
why_site: sigues todo lo de %s.
mail_ended: dejado desde entonces
mail_change: Cambiar lo que recibes

embed_loading: Un momento …
embed_failed: No ha funcionado. Inténtalo de nuevo, por favor.

link_broken_what: Este enlace no está completo
link_broken_do: Los programas de correo a veces parten los enlaces largos. Abre el correo otra vez y copia el enlace entero.
link_expired_what: Este enlace ha caducado
link_expired_do: Usa el mismo enlace de tu último correo. Vale 90 días; uno para confirmar, siete. El enlace para darse de baja vale siempre.
link_outdated_what: Un enlace más nuevo lo ha sustituido
link_outdated_do: Usa el enlace de tu último correo. El enlace para darse de baja vale en todos los correos.
link_wrong_what: Este enlace no sirve aquí
link_wrong_do: Ábrelo desde el propio correo. Si tampoco funciona, responde al correo y pregunta al sitio.
gone_what: Esto ya no existe
gone_do: Aquello de lo que trata el enlace se ha retirado. No tienes que hacer nada.
busy_what: Ahora mismo no se puede
busy_do: Inténtalo de nuevo dentro de un minuto. No se ha cambiado nada.
defect_what: Algo ha fallado por nuestra parte
defect_do: Inténtalo más tarde. Si sigue igual, responde al correo y avisa al sitio.
refused_what: No ha sido posible
refused_do: Vuelve atrás e inténtalo de nuevo, o abre otra vez el enlace desde el correo.
